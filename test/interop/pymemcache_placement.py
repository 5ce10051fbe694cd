# Where pymemcache puts keys. stdin: {"keys", "cases": [{"servers": [{"host", "port"}]}]};
# stdout: for each case the index of each key's server. Asks pymemcache's hasher only: no server need be there.
import json
import sys

from pymemcache.client.hash import HashClient

request = json.load(sys.stdin)
answers = []
for case in request["cases"]:
    servers = [(server["host"], server["port"]) for server in case["servers"]]
    index = {"%s:%s" % server: i for i, server in enumerate(servers)}
    client = HashClient(servers)
    answers.append([index[client.hasher.get_node(key)] for key in request["keys"]])
print(json.dumps(answers))
