# One value there and back over TLS: pymemcache_secure.py HOST PORT CA [CERT KEY]
import ssl
import sys

from pymemcache.client.base import Client

host, port, ca, *own = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if own:
    context.load_cert_chain(*own)
client = Client((host, int(port)), tls_context=context, timeout=10)
value = "ä".encode() * 100_000
client.set("pymemcache", value)
assert client.get("pymemcache") == value
client.set("counter", b"41")
assert client.incr("counter", 1) == 42
assert client.get_many([f"none-{i}" for i in range(500)]) == {}
print("the same")
