/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch - the traffic alone, for a daemon that somebody else runs.
 *
 * Commands on standard input, each answered by a line of JSON:
 *   begin NAMES RATE        asks; every name has one version (torture.h: one_epoch)
 *   newest VERSION          this one may be seen from now on
 *   oldest VERSION          nothing older may, from the kernel or the daemon
 *   end                     what came of it
 */
#ifndef ANAMED_TESTS_TORTURE_WATCH_H
#define ANAMED_TESTS_TORTURE_WATCH_H

/* words: DEVICE SOURCE SERVER MAC. The exit status. */
int watch(char **words);

#endif
