/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control - configuration from YAML, and the control socket.
 */
#ifndef ANAMED_CONTROL_CONTROL_H
#define ANAMED_CONTROL_CONTROL_H

#include <jansson.h>
#include <uv.h>

#include "base/config.h"
#include "base/error.h"

/* ---- config.c: the only file with libcyaml ---- */

/* Reads, checks, fills defaults. 0 or a negative errno with *error (file and line). */
int config_load(const char *path, struct config **ret, struct error *error);
/* The same from a text in memory; `file` names it in messages, and its folder is the one that paths
 * are relative to. */
int config_parse(const char *file, const char *text, size_t len, struct config **ret,
                 struct error *error);
/* All defaults, no zones: for anamectl without a configuration, and for tests. */
struct config *config_default(void);
void config_free(struct config *config);

/* ---- socket.c: one request a connection; the protocol is docs/control-protocol.md ---- */

struct control;

/* A command: fills *ret_reply (JSON object, new reference). 0, or a negative errno with *error. */
typedef int (*control_handler)(const char *verb, json_t *arguments, json_t **ret_reply,
                               struct error *error, void *arg);

int control_open(uv_loop_t *loop, const char *path, control_handler handler, void *arg,
                 struct control **ret, struct error *error);
void control_close(struct control *control); /* removes the socket */

/* Client side, blocking: sends a verb, gives the reply. */
int control_call(const char *path, const char *verb, json_t *arguments, json_t **ret_reply,
                 struct error *error);

#endif
