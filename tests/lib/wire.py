# SPDX-License-Identifier: BSD-2-Clause
"""wire - a link that is as slow as the test wants, between two namespaces.

netem is not in every kernel. Here a namespace stands between two veth pairs
and a thread carries frame after frame across, each after `delay_s`.
"""

import collections
import contextlib
import select
import socket
import threading
import time

from lib.netns import Namespace, veth

ETH_P_ALL = 3
FRAME_MOST = 65536 + 64


class Wire:
    """Joins device `one_device` of one namespace with `other_device` of another."""

    def __init__(self, name, one, one_device, other, other_device):
        self.delay_s = 0.0
        self.carried = 0
        self.space = Namespace(name)
        self.ends = []
        for space, device, end in ((one, one_device, "left"), (other, other_device, "right")):
            veth(space, device, self.space, end)
            space.checksum_in_full(device)
            self.ends.append(self.open(end))
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def open(self, device):
        with self.space.entered():
            # Nothing of this namespace's own is to mix in.
            with contextlib.suppress(OSError):
                self.space.sysctl(f"net.ipv6.conf.{device}.disable_ipv6", 1)
            end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.bind((device, ETH_P_ALL))
        end.setblocking(False)
        return end

    def carry(self):
        due = collections.deque()  # (when, end, frame): changes of the delay keep the order
        poll = select.poll()
        for end in self.ends:
            poll.register(end, select.POLLIN)
        by_fd = {end.fileno(): place for place, end in enumerate(self.ends)}
        while not self.stopped.is_set():
            wait_s = max(0.0, due[0][0] - time.monotonic()) if due else 0.1
            for fd, _ in poll.poll(wait_s * 1000):
                self.take(by_fd[fd], due)
            while due and due[0][0] <= time.monotonic():
                _, end, frame = due.popleft()
                with contextlib.suppress(OSError):
                    end.send(frame)
                    self.carried += 1

    def take(self, place, due):
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, address = self.ends[place].recvfrom(FRAME_MOST)
                if address[2] != socket.PACKET_OUTGOING:
                    due.append((time.monotonic() + self.delay_s, self.ends[1 - place], frame))

    def close(self):
        self.stopped.set()
        self.thread.join()
        for end in self.ends:
            end.close()
        self.space.remove()
