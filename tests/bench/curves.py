# SPDX-License-Identifier: BSD-2-Clause
"""curves - how cost grows, drawn by gnuplot."""

import os
import subprocess

CURVES = (
    ("names", "names", "names", True),
    ("networks", "networks", "networks a name", False),
    ("records", "records", "addresses an answer", False),
    ("hit_ratio", "hit_ratio", "share of queries that the kernel answers", False),
)

HEAD = """\
set terminal pngcairo size 800,500 font "sans,11"
set output "{path}"
set xlabel "{label}"
set yrange [0:*]
set grid
"""

SCRIPT = HEAD + """\
set ylabel "ns of the server's core a reply"
set key left bottom
{log}
$data << EOD
{data}
EOD
plot $data using 1:2 with linespoints title "reflector", \\
     $data using 1:3:4:5 with yerrorlines title "anamed"
"""


CORES = HEAD + """\
set ylabel "queries a second, of what one core answers"
set xrange [0:*]
set xtics 1
set ytics 1
set key left top
$data << EOD
{data}
EOD
plot x title "as many times as there are cores", \\
     $data using 1:2 with linespoints title "the program by itself"
"""


def row(point, field):
    values = point["server_ns"]
    return " ".join(str(value) for value in (
        point[field], point["floor_ns"]["median"], values["median"], values["min"],
        values["max"]))


def draw(result, folder):
    os.makedirs(folder, exist_ok=True)
    for name, field, label, log in CURVES:
        points = result["sweeps"][name]
        script = SCRIPT.format(
            path=os.path.join(folder, f"bench-{name}.png"), label=label,
            log="set logscale x" if log else "",
            data="\n".join(row(point, field) for point in points))
        plot(script)
    plot(CORES.format(path=os.path.join(folder, "bench-cores.png"),
                      label="cores at the same time",
                      data="\n".join(f"{point['cores']} {point['ratio']}"
                                     for point in result["sweeps"]["cores"])))


def plot(script):
    subprocess.run(["gnuplot"], input=script, text=True, check=True)
