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
/* Frees the zones alone, which can be many. */
void config_forget_zones(struct config *config);

/* ---- socket.c: one request a connection; the protocol is docs/control-protocol.md ---- */

#define CONTROL_VERSION     1
#define CONTROL_REQUEST_MAX (64U << 10) /* octets, newline included */
#define CONTROL_REPLY_MAX   (256U << 20)
#define CONTROL_CLIENTS_MAX 32

struct control;
struct control_request;

/*
 * A command, on the loop's thread. `arguments` is an object, and the caller's.
 * The handler, or somebody later, gives exactly one of control_reply() and
 * control_fail(); the request is gone with it.
 */
typedef void (*control_handler)(struct control_request *request, const char *verb,
                                json_t *arguments, void *arg);

/* Takes over `reply`, an object. May come after control_close(): then nobody hears it. */
void control_reply(struct control_request *request, json_t *reply);
void control_fail(struct control_request *request, const struct error *error);

/* Listens at `path` with mode 0660; a socket that nobody answers at is replaced. */
int control_open(uv_loop_t *loop, const char *path, control_handler handler, void *arg,
                 struct control **ret, struct error *error);
/* Removes the socket; freed once the loop has run the close callbacks. NULL is fine. */
void control_close(struct control *control);

/*
 * Client side, blocking: sends a verb, gives the reply, which is an object.
 * Steals nothing; arguments may be NULL. A refusal of the daemon is -EREMOTEIO
 * with its *error; -ENOENT, -ECONNREFUSED: no daemon there.
 */
int control_call(const char *path, const char *verb, json_t *arguments, json_t **ret_reply,
                 struct error *error);

#endif
