# SPDX-License-Identifier: BSD-2-Clause
"""ports - numbers for servers on loopback."""

import socket

TAKEN = set()


def free_port():
    """A port of loopback that is free for UDP and TCP, and was given to nobody before."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
                try:
                    tcp.bind(("127.0.0.1", port))
                except OSError:
                    continue
        if port not in TAKEN:
            TAKEN.add(port)
            return port
