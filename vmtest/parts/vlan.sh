# SPDX-License-Identifier: BSD-2-Clause
# Frames of a VLAN whose tag is taken off before the program: said. (Tags that stay in the
# frame are among the kernel's test programs.)
. /vmtest/lib.sh
make_veth
start auto
status_says rxvlan && fail "a warning without a VLAN"
ip link add link edge0 name edge0.7 type vlan id 7 || fail "no VLAN"
expect "a VLAN above is warned of" sh -c "anamectl --config $conf xdp attach edge0 | grep rxvlan"
