# A link between two network namespaces that carries each packet itself: late, out of order, twice, or not at all.
# Knows packets and times, and nothing of what is in them. argv: a process in the far namespace, the near device, the far one.
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_WITHOUT_HEADER = 0x0001 | 0x1000
LONGEST_PACKET = 65536
# What is under way is bounded, as in a router: further packets are lost.
MOST_UNDER_WAY = 20000


def device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN_WITHOUT_HEADER))
    return fd


def enter(process):
    with open(f"/proc/{process}/ns/net") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")


def send(fd, packet):
    try:
        os.write(fd, packet)
    except OSError:
        pass  # The device is down, or full: the packet is lost.


near = device(sys.argv[2])
enter(sys.argv[1])
far = device(sys.argv[3])
other = {near: far, far: near}
weather = {"seed": 1, "delay": 0, "jitter": 0, "loss": 0, "twice": 0}
chance = random.Random(weather["seed"])
counts = {"carried": 0, "lost": 0, "twice": 0, "late": 0}
under_way = []
order = 0
print("there", flush=True)

commands = b""
while True:
    pause = None if not under_way else max(0, under_way[0][0] - time.monotonic())
    ready, _, _ = select.select([near, far, 0], [], [], pause)
    now = time.monotonic()
    while under_way and under_way[0][0] <= now:
        _, _, to, packet = heapq.heappop(under_way)
        send(to, packet)
    for fd in ready:
        if fd == 0:
            data = os.read(0, 65536)
            if not data:
                sys.exit(0)
            *lines, commands = (commands + data).split(b"\n")
            for line in lines:
                weather = json.loads(line)
                chance = random.Random(weather["seed"])
                print(json.dumps(counts), flush=True)
            continue
        try:
            packet = os.read(fd, LONGEST_PACKET)
        except OSError:
            # Down: nothing to read, and that is told at once, every time.
            time.sleep(0.001)
            continue
        if chance.random() < weather["loss"] or len(under_way) >= MOST_UNDER_WAY:
            counts["lost"] += 1
            continue
        counts["carried"] += 1
        copies = 2 if chance.random() < weather["twice"] else 1
        counts["twice"] += copies - 1
        for _ in range(copies):
            delay = weather["delay"] + weather["jitter"] * chance.random()
            if delay == 0 and not under_way:
                send(other[fd], packet)
                continue
            counts["late"] += 1
            order += 1
            heapq.heappush(under_way, (now + delay / 1000, order, other[fd], packet))
