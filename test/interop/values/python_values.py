"""Writes values with pylibmc or pymemcache for our client, or reads what that wrote. Arguments: the client, the node, and
write or read. Reading prints what it found as JSON: the type and the value of each key."""
import json
import sys

name, node, action = sys.argv[1:]
TEXT = "ein schöner Wert, ключ, 鍵. " * 200

if name == "pylibmc":
    import pylibmc

    client = pylibmc.Client([node])

    def compressed(key, value):
        client.set(key, value, min_compress_len=100)
else:
    from pymemcache.client.base import Client
    from pymemcache import serde

    host, port = node.split(":")
    client = Client((host, int(port)), serde=serde.PickleSerde())
    # The packaged pymemcache has no class for it in every version: the convention is that of python-memcached.
    plain = Client((host, int(port)))

    def compressed(key, value):
        import zlib

        plain.set(key, zlib.compress(value.encode()), flags=16 | 8)

if action == "write":
    client.set("text", TEXT)
    client.set("bytes", bytes(range(256)))
    client.set("int", -42)
    client.set("long", 2**70)
    client.set("dict", {"a": 1})
    compressed("compressed", TEXT)
else:
    keys = json.load(sys.stdin)
    found = {key: client.get(key) for key in keys}
    print(json.dumps({
        key: [type(value).__name__, value.hex() if isinstance(value, bytes) else str(value)]
        for key, value in found.items()
    }))
