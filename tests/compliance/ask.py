# SPDX-License-Identifier: BSD-2-Clause
"""ask - puts many queries to a server and pairs the replies by their id."""

import select
import socket
import struct
import time

WINDOW = 48
PATIENCE_S = 3.0
AGAIN_S = 0.5


def ask_udp(sock, queries):
    """Yields (query, reply); reply None after three tries. `sock` is connected."""
    sock.setblocking(False)
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    waiting, number, more = {}, 0, iter(queries)
    query = next(more, None)
    while query or waiting:
        while query and len(waiting) < WINDOW:
            number = number + 1 & 0xFFFF
            if number in waiting:
                break
            packet = struct.pack("!H", number) + query.packet[2:]
            sock.send(packet)
            waiting[number] = [query, packet, time.monotonic(), 1]
            query = next(more, None)
        if poll.poll(AGAIN_S * 1000):
            yield from receive(sock, waiting)
        yield from expire(sock, waiting)


def receive(sock, waiting):
    while True:
        try:
            reply = sock.recv(65535)
        except BlockingIOError:
            return
        entry = waiting.pop(struct.unpack_from("!H", reply)[0], None)
        if entry:
            yield entry[0], reply


def expire(sock, waiting):
    """A datagram may be lost where many machines share two cores: it is sent again."""
    now = time.monotonic()
    while waiting:
        number = next(iter(waiting))
        entry = waiting[number]
        if now - entry[2] < AGAIN_S:
            return
        del waiting[number]
        if entry[3] == 3:
            yield entry[0], None
            continue
        sock.send(entry[1])
        waiting[number] = [entry[0], entry[1], now, entry[3] + 1]


class Stream:
    """Queries over one connection, a window of them under way."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(PATIENCE_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.data = b""

    def read(self):
        """One message, or None."""
        while len(self.data) < 2 or len(self.data) < 2 + struct.unpack_from("!H", self.data)[0]:
            try:
                more = self.sock.recv(65536)
            except (TimeoutError, ConnectionError):
                return None
            if not more:
                return None
            self.data += more
        length = struct.unpack_from("!H", self.data)[0]
        message, self.data = self.data[2 : 2 + length], self.data[2 + length :]
        return message

    def write(self, packets):
        self.sock.sendall(b"".join(struct.pack("!H", len(item)) + item for item in packets))


def batches(items, size):
    batch = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def ask_tcp(sock, queries):
    """The same over a connection."""
    stream = Stream(sock)
    for batch in batches(queries, WINDOW):
        stream.write(struct.pack("!H", place) + query.packet[2:]
                     for place, query in enumerate(batch))
        replies = {}
        while len(replies) < len(batch):
            reply = stream.read()
            if reply is None:
                break
            replies[struct.unpack_from("!H", reply)[0]] = reply
        for place, query in enumerate(batch):
            yield query, replies.get(place)
