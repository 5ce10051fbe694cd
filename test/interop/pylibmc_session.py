"""A day in the life of an application that uses pylibmc, over the protocol (text or binary) and against the
nodes named as arguments.

Checks what it gets and ends with a traceback if it is not what memcached would give.
"""
import sys
import time

import pylibmc

protocol, nodes = sys.argv[1], sys.argv[2:]


def client(**behaviors):
    return pylibmc.Client(nodes, binary=protocol == "binary", behaviors=behaviors)


def check_values(mc):
    """Python values of every kind come back as they went in."""
    values = {
        "text": "a text",
        "ünïcode-ключ": "ein schöner Wert, ключ, 鍵",
        "bytes": b"\x00\x01\r\nEND\r\n\xff",
        "int": 42,
        "long": 2**70,
        "bool": True,
        "float": 1.5,
        "none": None,
        "dict": {"a": [1, 2, {"b": (3, 4)}]},
        "empty": "",
        "large": "x" * 500_000,
    }
    for key, value in values.items():
        assert mc.set(key, value), key
        assert mc.get(key) == value, key
    for key in values:
        assert mc.delete(key), key
        assert mc.get(key) is None, key
    assert mc.get("nope", "a default") == "a default"


def check_many(mc):
    many = {"many-%d" % i: "value %d" % i for i in range(1000)}
    assert mc.set_multi(many) == []
    assert mc.get_multi(list(many) + ["nope"]) == many
    prefixed = mc.get_multi(["1", "2"], key_prefix="many-")
    assert prefixed == {"1": "value 1", "2": "value 2"}, prefixed
    assert mc.delete_multi(list(many))
    assert mc.get_multi(list(many)) == {}


def check_conditions(mc):
    assert mc.add("condition", "first")
    assert not mc.add("condition", "second")
    assert mc.replace("condition", "third")
    assert mc.get("condition") == "third"
    assert mc.delete("condition")
    assert not mc.delete("condition")
    assert not replaces(mc, "condition", "fourth")


def replaces(mc, key, value):
    """libmemcached says "not stored" over the text protocol, and over the binary one "not found", which raises."""
    try:
        return mc.replace(key, value)
    except pylibmc.NotFound:
        assert protocol == "binary"
        return False


def check_concatenation(mc):
    mc.set("line", "b")
    assert mc.append("line", "c")
    assert mc.prepend("line", "a")
    assert mc.get("line") == "abc"


def check_numbers(mc):
    mc.set("counter", "10")
    assert mc.incr("counter") == 11
    assert mc.incr("counter", 89) == 100
    assert mc.decr("counter", 1) == 99
    assert mc.decr("counter", 1000) == 0
    try:
        mc.incr("nope")
    except pylibmc.NotFound:
        pass
    else:
        raise AssertionError("incr of a missing key must raise NotFound")
    mc.incr_multi(["counter"], delta=5)
    assert mc.get("counter").strip() == "5"


def check_cas():
    mc = client(cas=True)
    mc.set("cas", "1")
    value, unique = mc.gets("cas")
    assert value == "1" and unique
    assert mc.cas("cas", "2", unique)
    assert not mc.cas("cas", "3", unique)
    assert mc.get("cas") == "2"
    value, again = mc.gets("cas")
    assert again > unique
    assert mc.gets("nope") == (None, None)


def check_time(mc):
    assert mc.set("short", "x", time=1)
    assert mc.set("touched", "x", time=1)
    assert mc.touch("touched", 100)
    deadline = time.time() + 10
    while mc.get("short") is not None:
        assert time.time() < deadline, "an item outlived its time"
        time.sleep(0.05)
    assert mc.get("touched") == "x"


def check_limits(mc):
    try:
        mc.set("x" * 251, "x")
    except ValueError:
        pass
    else:
        raise AssertionError("a bad key must raise")
    mc.set("huge", "small")
    try:
        mc.set("huge", b"x" * 1_100_000)
    except pylibmc.TooBig:
        pass
    else:
        raise AssertionError("a value past the limit must raise")
    assert mc.get("huge") is None
    assert mc.set("after", "an error the connection still works")
    assert mc.get("after") == "an error the connection still works"


def check_behaviors():
    """The settings that users of pylibmc combine in practice."""
    # libmemcached verifies keys for the text protocol alone, and refuses to be asked over the other.
    verifying = {"verify_keys": True} if protocol == "text" else {}
    for behaviors in (
        {"tcp_nodelay": True, "ketama": True},
        {"no_block": True, "tcp_nodelay": True, "ketama_weighted": True, "hash": "murmur"},
        {**verifying, "remove_failed": 2, "retry_timeout": 1, "dead_timeout": 60},
    ):
        mc = client(**behaviors)
        many = {"behavior-%d" % i: str(i) for i in range(100)}
        for key, value in many.items():
            mc.set(key, value)
        assert mc.get_multi(list(many)) == many, behaviors
        mc.set("single", "x")
        assert mc.get("single") == "x", behaviors
    compressing = client()
    text = "compress me " * 10_000
    compressing.set("compressed", text, min_compress_len=100)
    assert compressing.get("compressed") == text


mc = client(tcp_nodelay=True, ketama=True)
assert mc.flush_all()
check_values(mc)
check_many(mc)
check_conditions(mc)
check_concatenation(mc)
check_numbers(mc)
check_cas()
check_time(mc)
check_limits(mc)
check_behaviors()
stats = mc.get_stats()
assert len(stats) == len(nodes)
assert all("cmd_get" in {k if isinstance(k, str) else k.decode() for k in s} for _, s in stats)
print("ok", pylibmc.__version__)
