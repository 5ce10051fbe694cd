"""A day in the life of an application that uses pymemcache, against the nodes named as arguments.

Checks what it gets and ends with a traceback if it is not what memcached would give.
"""
import os
import sys
import threading
import time

import pymemcache
from pymemcache.client.base import Client, PooledClient
from pymemcache.client.hash import HashClient
from pymemcache.exceptions import MemcacheClientError, MemcacheIllegalInputError

protocol, nodes = sys.argv[1], sys.argv[2:]
assert protocol == "text"
OPTIONS = {"timeout": 10, "connect_timeout": 10, "allow_unicode_keys": True}


def check_values(mc):
    values = {
        "text": b"a text",
        "bytes": b"\x00\x01\r\nEND\r\n\xff",
        "empty": b"",
        "large": b"x" * 900_000,
        "ключ-鍵": "ключ, 鍵".encode(),
    }
    for key, value in values.items():
        assert mc.set(key, value, noreply=False), key
        assert mc.get(key) == value, key
    assert mc.get("nope") is None
    assert mc.get("nope", default="a default") == "a default"
    assert mc.set("noreply", "x", noreply=True)
    assert mc.get("noreply") == b"x"


def check_many(mc):
    many = {"many-%d" % i: b"value %d" % i for i in range(1000)}
    assert mc.set_many(many, noreply=False) == []
    assert mc.get_many(list(many) + ["nope"]) == many
    assert mc.delete_many(list(many), noreply=False)
    assert mc.get_many(list(many)) == {}
    assert mc.set_many(many, noreply=True) == []
    assert mc.get_many(list(many)) == many


def check_conditions(mc):
    assert mc.add("condition", "first", noreply=False)
    assert not mc.add("condition", "second", noreply=False)
    assert mc.replace("condition", "third", noreply=False)
    assert mc.get("condition") == b"third"
    assert mc.delete("condition", noreply=False)
    assert not mc.delete("condition", noreply=False)
    assert not mc.replace("condition", "fourth", noreply=False)


def check_concatenation(mc):
    mc.set("line", "b", noreply=False)
    assert mc.append("line", "c", noreply=False)
    assert mc.prepend("line", "a", noreply=False)
    assert mc.get("line") == b"abc"
    assert not mc.append("nope", "c", noreply=False)


def check_numbers(mc):
    mc.set("counter", "10", noreply=False)
    assert mc.incr("counter", 5, noreply=False) == 15
    assert mc.decr("counter", 6, noreply=False) == 9
    assert mc.get("counter") == b"9 "
    assert mc.incr("nope", 1, noreply=False) is None


def check_cas(mc):
    assert mc.gets("nope") == (None, None)
    mc.set("cas", "1", noreply=False)
    value, unique = mc.gets("cas")
    assert value == b"1"
    assert mc.cas("cas", "2", unique, noreply=False) is True
    assert mc.cas("cas", "3", unique, noreply=False) is False
    assert mc.cas("nope", "3", unique, noreply=False) is None
    found = mc.gets_many(["cas", "nope"])
    assert list(found) == ["cas"] and found["cas"][0] == b"2" and found["cas"][1] > unique


def check_time(mc):
    mc.set("short", "x", expire=1, noreply=False)
    mc.set("kept", "x", expire=1, noreply=False)
    assert mc.touch("kept", expire=100, noreply=False)
    assert not mc.touch("nope", expire=100, noreply=False)
    deadline = time.time() + 10
    while mc.get("short") is not None:
        assert time.time() < deadline, "an item outlived its time"
        time.sleep(0.05)
    assert mc.get("kept") == b"x"


def check_errors(mc):
    for bad in ("with space", "x" * 251, "with\nline"):
        try:
            mc.set(bad, "x", noreply=False)
        except MemcacheIllegalInputError:
            pass
        else:
            raise AssertionError("a bad key must raise")
    try:
        mc.set("huge", b"x" * 1_100_000, noreply=False)
    except Exception as error:
        assert "too large" in str(error), error
    else:
        raise AssertionError("a value past the limit must raise")
    mc.set("text", "x", noreply=False)
    try:
        mc.incr("text", 1, noreply=False)
    except MemcacheClientError:
        pass
    else:
        raise AssertionError("incr of a text must raise")
    assert mc.get("text") == b"x"


def check_one_node(host, port):
    mc = Client((host, port), **OPTIONS)
    assert mc.version()
    stats = mc.stats()
    assert stats[b"cmd_get"] > 0, stats
    # A proxy has none of a node's statistics.
    if "THROUGH_PROXY" not in os.environ:
        assert stats[b"threads"] == 4, stats
        assert mc.stats("settings")[b"evictions"]
        assert mc.stats("items") and mc.stats("slabs")
    assert mc.flush_all(noreply=False)
    mc.quit()


def check_threads(mc):
    """One pool, several threads: nobody gets another's answer."""
    failures = []

    def work(name):
        try:
            for i in range(200):
                key = "thread-%s-%d" % (name, i)
                mc.set(key, key, noreply=False)
                assert mc.get(key) == key.encode(), key
                mc.incr("total", 1, noreply=False)
        except Exception as error:
            failures.append(error)

    mc.set("total", "0", noreply=False)
    threads = [threading.Thread(target=work, args=(n,)) for n in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures
    assert int(mc.get("total")) == 800


def check(mc):
    check_values(mc)
    check_many(mc)
    check_conditions(mc)
    check_concatenation(mc)
    check_numbers(mc)
    check_cas(mc)
    check_time(mc)
    check_errors(mc)


addresses = [(node.rsplit(":", 1)[0], int(node.rsplit(":", 1)[1])) for node in nodes]
for host, port in addresses:
    Client((host, port)).flush_all(noreply=False)

if len(addresses) == 1:
    pooled = PooledClient(addresses[0], max_pool_size=4, **OPTIONS)
    check(pooled)
    check_threads(pooled)
    check_one_node(*addresses[0])
else:
    hashed = HashClient(addresses, use_pooling=True, **OPTIONS)
    check(hashed)
    check_threads(hashed)
    counts = [Client(address).stats()[b"curr_items"] for address in addresses]
    assert all(count > 100 for count in counts), counts
print("ok", pymemcache.__version__)
