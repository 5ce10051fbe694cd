# One value there and back after a login by SASL: pylibmc_sasl.py HOST:PORT USER PASSWORD
import sys

import pylibmc

server, user, password = sys.argv[1:]
client = pylibmc.Client([server], binary=True, username=user, password=password)
client.set("pylibmc", ["a", {"list": 1}])
assert client.get("pylibmc") == ["a", {"list": 1}]
client.set("counter", 41)
assert client.incr("counter") == 42
print("the same")
