# SPDX-License-Identifier: BSD-2-Clause
"""kept - a demo that was left up (KEEP=1): remembered, explained, taken down."""

import json
import os
import shutil
import signal

from lib import netns
from lib.process import until

STATE = "/run/anamed-demo.json"
HOST_DEVICE = "anamed-demo"


def run():
    """The run that is kept, as its namespaces are named; or None."""
    if not os.path.exists(STATE):
        return None
    with open(STATE) as file:
        return json.load(file)["run"]


def children(lab, edge):
    return [item.process.pid for item in (lab.knot, lab.unbound, edge)]


def remember(lab):
    """Writes down what there is to take down."""
    state = {
        "run": lab.run,
        "folder": lab.folder,
        "pins": lab.pins,
        "pids": children(lab, lab.last_edge),
        "spaces": [space.name for space in lab.spaces],
    }
    with open(STATE, "w") as file:
        json.dump(state, file)


def is_ours(pid, folder):
    """A process whose command line names the demo's folder: pids are used again."""
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return folder in file.read()
    except OSError:
        return False


def take_down():
    """Ends a kept demo, if there is one."""
    if not os.path.exists(STATE):
        return
    with open(STATE) as file:
        state = json.load(file)
    for pid in state["pids"]:
        if is_ours(pid, state["folder"]):
            os.kill(pid, signal.SIGKILL)
            until(lambda: not is_ours(pid, state["folder"]), f"the end of {pid}")
    for name in state["spaces"]:
        netns.command("ip", "netns", "del", name, check=False)
    netns.command("ip", "link", "del", HOST_DEVICE, check=False)
    netns.remove_pins(state["pins"])
    shutil.rmtree(state["folder"], True)
    os.unlink(STATE)
    print("demo: taken down")


def say_how(edge, address):
    control = f"{os.path.relpath(edge.build)}/anamectl --config {edge.conf}"
    print(
        f"""
== The edge is left up. From this host:
  kdig @{address} apex.test A +subnet=192.0.2.0/24
  kdig @{address} apex.test A +subnet=203.0.113.0/24
  {control} -j stats        # where each answer came from
  {control} answers
  {control} explain apex.test A 192.0.2.10
  /usr/sbin/bpftool map dump pinned {edge.pins}/owners
  make demo-down               # takes it down"""
    )
