# SPDX-License-Identifier: BSD-2-Clause
# The verifier takes the object, within the budget; and as it is for machines that reorder loads.
. /vmtest/lib.sh
expect "the verifier takes the program within $(cat /vmtest/budget) instructions" \
	vmtest-loader /usr/lib/anamed.bpf.o "$(cat /vmtest/budget)"
cat /tmp/expect
expect "and with barriers between loads" \
	vmtest-loader /usr/lib/barriers.bpf.o "$(cat /vmtest/budget)"
cat /tmp/expect
