/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * watch - the traffic alone, for a daemon that somebody else runs.
 *
 * Commands on standard input, each answered by a line of JSON:
 *   begin NAMES RATE             asks; every name has one version (torture.h: one_epoch)
 *   begin NAMES RATE EXCHANGED   the same by Zipf's law
 *   zipf EXCHANGED               by Zipf's law from now on
 *   newest VERSION               this one may be seen from now on
 *   oldest VERSION               nothing older may, from the kernel or the daemon
 *   end                          what came of it
 *
 * EXCHANGED: so many of the first names have changed places with the last.
 */
#ifndef ANAMED_TESTS_TORTURE_WATCH_H
#define ANAMED_TESTS_TORTURE_WATCH_H

/* words: DEVICE SOURCE SERVER MAC. The exit status. */
int watch(char **words);

#endif
