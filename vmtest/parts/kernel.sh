# SPDX-License-Identifier: BSD-2-Clause
# The kernel's test programs, whole: packets through BPF_PROG_TEST_RUN, pairs of veth,
# loading, attaching, publishing and adopting. A line for each test.
. /vmtest/lib.sh
for program in /tests/*; do
	begin=$(cut -d. -f1 /proc/uptime)
	$program >/tmp/log 2>&1
	status=$?
	name=${program##*/}
	echo "$name: $(($(cut -d. -f1 /proc/uptime) - begin)) s"
	sed -n "s/^\[       OK \] /ok: $name: /p; s/^\[  FAILED  \] \([a-z_0-9]*\)$/FAIL: $name: \1/p" /tmp/log |
		sort -u
	[ $status = 0 ] && continue
	echo 1 >>/tmp/failed
	grep -q '^\[  FAILED  \]' /tmp/log || echo "FAIL: $name ended with $status"
	grep -v '^\[' /tmp/log | head -20
	grep -A3 'ERROR' /tmp/log | head -20
done
[ ! -s /tmp/failed ]
