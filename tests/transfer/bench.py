# SPDX-License-Identifier: BSD-2-Clause
"""bench - what a case of transfers gets: folders, ports, servers that end with it, zones as data."""

import contextlib
import os
import re
import signal
import subprocess
import tempfile

from lib.ports import free_port
from lib.process import until

KEY_NAME = "transfer.key"
KEY_SECRET = "c2VjcmV0IG9mIHRoaXJ0eS10d28gb2N0ZXRzISEhISE="


class Server:
    """A process with a folder and a log; subclasses say how it is configured and told things."""

    def __init__(self, bench, name):
        self.bench = bench
        self.name = name
        self.folder = tempfile.mkdtemp(prefix=name + "-", dir=bench.folder)
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        self.log = os.path.join(self.folder, "log")
        self.child = None

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        path = self.path(name)
        with open(path + ".part", "w") as file:
            file.write(text)
        os.rename(path + ".part", path)
        return path

    def spawn(self, *words, **more):
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                words, stdout=more.pop("stdout", log), stderr=log,
                stdin=more.pop("stdin", subprocess.DEVNULL), cwd=self.folder, **more,
            )
        return self

    def log_text(self):
        with open(self.log, errors="replace") as file:
            return file.read()

    def await_log(self, words, limit_s=20):
        """The words in what was logged since the process was started."""

        def found():
            if self.child.poll() is not None:
                raise AssertionError(f"{self.name} ended:\n{self.log_text()[-3000:]}")
            return re.search(words, self.log_text()[self.mark :])

        return until(found, f"{self.name}: {words}", limit_s)

    @property
    def mark(self):
        return getattr(self, "begun", 0)

    def remember_log(self):
        self.begun = len(self.log_text()) if os.path.exists(self.log) else 0

    def stop(self, number=signal.SIGTERM):
        if self.child is None:
            return None
        self.child.send_signal(signal.SIGCONT)
        self.child.send_signal(number)
        try:
            status = self.child.wait(20)
        except subprocess.TimeoutExpired:
            self.child.kill()
            status = self.child.wait()
        self.child = None
        return status

    def kill(self):
        return self.stop(signal.SIGKILL)

    # What lib.cases shows of a case that failed.
    @property
    def process(self):
        return self


class TransferBench:
    """Servers of one case; they end with it."""

    def __init__(self, build, folder):
        self.build = build
        self.root = folder
        self.folder = tempfile.mkdtemp(prefix="case-", dir=folder)
        os.chmod(self.folder, 0o755)
        self.stack = contextlib.ExitStack()
        self.edges = []

    def add(self, server):
        """A server that ends with the case, and whose log is shown if the case fails."""
        self.stack.callback(server.stop)
        self.edges.append(server)
        return server

    def close(self):
        self.stack.close()


class Zone:
    """A zone as data: records are (owner, ttl, type, rdata), all names absolute and lower case."""

    def __init__(self, apex, records=(), serial=1, refresh=3600, retry=1, expire=86400, minimum=60):
        self.apex = apex
        self.serial = serial
        self.timers = (refresh, retry, expire, minimum)
        self.records = {
            (apex, 300, "NS", f"ns.{apex}"),
            (f"ns.{apex}", 300, "A", "192.0.2.53"),
        } | set(records)

    @property
    def soa(self):
        numbers = " ".join(map(str, (self.serial,) + self.timers))
        return (self.apex, 300, "SOA", f"ns.{self.apex} hostmaster.{self.apex} {numbers}")

    def change(self, add=(), remove=(), serial=None):
        self.records = (self.records - set(remove)) | set(add)
        self.serial = serial or self.serial + 1
        return self

    def text(self, aname="TYPE65401"):
        """A master file; `aname` is the server's mnemonic for ANAME, TYPE65401: the generic form."""
        lines = []
        for owner, ttl, rtype, rdata in [self.soa] + sorted(self.records):
            if rtype == "ANAME":
                rtype = aname
                if aname == "TYPE65401":
                    wire = name_wire(rdata)
                    rdata = f"\\# {len(wire)} {wire.hex()}"
            lines.append(f"{owner} {ttl} IN {rtype} {rdata}")
        return "\n".join(lines) + "\n"

    def lines(self):
        """What a dump of it must hold."""
        return {f"{owner} {ttl} {rtype} {rdata}" for owner, ttl, rtype, rdata in self.records | {self.soa}}


def name_wire(text):
    labels = [label.encode() for label in text.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def some_records(apex, count=20):
    """Records of several types, an ANAME at the apex and one below."""
    records = {
        (apex, 120, "ANAME", "edge.cdn.test."),
        (f"www.{apex}", 120, "ANAME", "www.cdn.test."),
        (apex, 300, "MX", f"10 mail.{apex}"),
        (f"mail.{apex}", 300, "AAAA", "2001:db8::25"),
        (f"text.{apex}", 300, "TXT", '"one two" "three"'),
        (f"_sip._tcp.{apex}", 300, "SRV", f"1 2 5060 mail.{apex}"),
        (f"alias.{apex}", 300, "CNAME", f"mail.{apex}"),
        (f"sub.{apex}", 300, "NS", "ns.elsewhere.test."),
        (f"*.wild.{apex}", 300, "A", "192.0.2.77"),
    }
    for number in range(count):
        records.add((f"h{number}.{apex}", 60, "A", f"198.51.{number // 250}.{number % 250 + 1}"))
    return records
