# SPDX-License-Identifier: BSD-2-Clause
# Entries rewritten, reloaded, replaced and killed under load; see tests/torture.
. /vmtest/lib.sh
torture 8 2>/dev/null | tee /tmp/log | cat
! grep -q -e '^FAIL' /tmp/log || echo 1 >>/tmp/failed
grep -q '^torture: [1-9][0-9]* passed, 0 failed' /tmp/log
