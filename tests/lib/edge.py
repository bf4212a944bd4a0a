# SPDX-License-Identifier: BSD-2-Clause
"""edge - anamed under test: its configuration, its process, and what it counts."""

import copy
import json
import os
import socket

from lib.netns import command
from lib.process import Process, until

BPFTOOL = "/usr/sbin/bpftool"
ABI = "v3"


def yaml_text(value, indent=0):
    """The YAML of nested dicts, lists and plain values."""
    space, lines = "  " * indent, []
    for key, item in value.items():
        if isinstance(item, dict):
            lines += [f"{space}{key}:", yaml_text(item, indent + 1)]
        elif isinstance(item, list) and item and isinstance(item[0], dict):
            lines.append(f"{space}{key}:")
            for entry in item:
                block = yaml_text(entry, indent + 2).lstrip()
                lines.append(f"{space}  - {block}")
        elif isinstance(item, list):
            lines.append(f"{space}{key}: [ {', '.join(json.dumps(word) for word in item)} ]")
        elif isinstance(item, bool):
            lines.append(f"{space}{key}: {'yes' if item else 'no'}")
        else:
            lines.append(f"{space}{key}: {json.dumps(str(item))}")
    return "\n".join(lines)


def merge(base, more):
    """`more` over `base`, dict by dict; None takes a key away."""
    merged = copy.deepcopy(base)
    for key, value in more.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict):
            merged[key] = merge(merged.get(key, {}), value)
        else:
            merged[key] = value
    return merged


class Edge:
    """anamed in a namespace. `config` is nested dicts; zones are given as texts."""

    def __init__(self, space, folder, pins, build, config, zones, keep=False):
        self.space = space
        self.folder = folder
        self.pins = os.path.join(pins, ABI)
        self.build = build
        os.makedirs(os.path.join(folder, "state"), exist_ok=True)
        self.conf = os.path.join(folder, "anamed.conf")
        self.control = os.path.join(folder, "control.sock")
        own = {
            "zones": [{"name": name, "file": f"{name}.zone"} for name in zones],
            "maps": {"pin-dir": self.pins},
            "server": {
                "control-socket": self.control,
                "state-dir": os.path.join(folder, "state"),
                "workers": 2,
            },
        }
        self.config = merge(own, config)
        for name, text in zones.items():
            self.write_zone(name, text)
        self.write_config()
        self.notify_path = os.path.join(folder, "notify.sock")
        self.process = Process(
            space,
            [os.path.join(build, "anamed"), "--config", self.conf],
            os.path.join(folder, "anamed.log"),
            keep,
            dict(os.environ, NOTIFY_SOCKET=self.notify_path),
        )

    def write_zone(self, name, text):
        with open(os.path.join(self.folder, f"{name}.zone"), "w") as file:
            file.write(text)

    def write_config(self, changes=None):
        self.config = merge(self.config, changes or {})
        with open(self.conf, "w") as file:
            file.write(yaml_text(self.config) + "\n")

    def start(self, limit_s=10):
        """Returns when anamed has told the service manager that it is ready."""
        if os.path.exists(self.notify_path):
            os.unlink(self.notify_path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(self.notify_path)
            os.chmod(self.notify_path, 0o666)
            notify.settimeout(0.05)
            self.process.start()
            until(lambda: self.is_ready(notify), "anamed to be ready", limit_s, 0)
        return self

    def is_ready(self, notify):
        if not self.process.is_running():
            raise AssertionError("anamed ended at once:\n" + self.process.log_text()[-2000:])
        try:
            return b"READY=1" in notify.recv(4096).split(b"\n")
        except TimeoutError:
            return False

    def stop(self):
        return self.process.stop()

    def kill(self):
        return self.process.kill()

    def ctl(self, *words, check=True):
        """Output of an anamectl command."""
        program = os.path.join(self.build, "anamectl")
        return self.space.run(program, "--config", self.conf, *words, check=check)

    def ctl_json(self, *words):
        return json.loads(self.ctl("-j", *words))

    def reload(self):
        return self.ctl("reload")

    def status(self):
        return self.ctl_json("status")

    def stats(self):
        return self.ctl_json("stats")

    def explain(self, *words):
        return self.ctl_json("explain", *words)

    def answers(self):
        return self.ctl_json("answers")

    def keeps_down(self, address):
        """Whether the file of states on disk has this address as down."""
        try:
            with open(os.path.join(self.folder, "state", "health")) as file:
                return any(address in line and "down" in line for line in file)
        except FileNotFoundError:
            return False

    def map_dump(self, name):
        return json.loads(command(BPFTOOL, "-j", "map", "dump", "pinned", f"{self.pins}/{name}"))

    def counters(self):
        """The program's counters, whether a daemon lives or not."""
        sums = {}
        for per_cpu in self.map_dump("counters")[0]["formatted"]["values"]:
            for name, value in per_cpu["value"].items():
                sums[name] = sums.get(name, 0) + value
        return sums

    def hits(self):
        return self.counters()["hit"]

    def program_id(self, interface):
        """The id of the XDP program on an interface, or None."""
        link = json.loads(self.space.run("ip", "-j", "link", "show", interface))[0]
        return link.get("xdp", {}).get("prog", {}).get("id")

    def detach(self, *interfaces):
        """The program off the interfaces and the pins gone, as far as they are there."""
        for interface in interfaces:
            self.space.run("ip", "link", "set", interface, "xdpgeneric", "off", check=False)
            self.space.run("ip", "link", "set", interface, "xdp", "off", check=False)

