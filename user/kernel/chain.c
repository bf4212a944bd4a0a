/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel/chain.h"
#include "kernel/takeover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libxdp and base/config.h both have an XDP_MODE_NATIVE. */
#define XDP_MODE_UNSPEC LIBXDP_MODE_UNSPEC
#define XDP_MODE_NATIVE LIBXDP_MODE_NATIVE
#define XDP_MODE_SKB    LIBXDP_MODE_SKB
#define XDP_MODE_HW     LIBXDP_MODE_HW
#include <xdp/libxdp.h>
#undef XDP_MODE_UNSPEC
#undef XDP_MODE_NATIVE
#undef XDP_MODE_SKB
#undef XDP_MODE_HW

#define PROGRAM_NAME    "anamed_xdp"
#define SECTION_NAME    "xdp"
#define DISPATCHER_NAME "xdp-dispatcher.o"
#define OBJECT_PATH     "LIBXDP_OBJECT_PATH" /* where libxdp looks for its objects */

struct chain {
	struct xdp_multiprog *programs;
	int ifindex;
};

static int no_output(enum libxdp_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Ours in place of libxdp's, unless the environment says which. */
static void use_our_dispatcher(void)
{
	if (!getenv(OBJECT_PATH) && !access(ANAMED_BPF_DIR "/" DISPATCHER_NAME, R_OK))
		setenv(OBJECT_PATH, ANAMED_BPF_DIR, 0);
}

struct chain *chain_open(unsigned int ifindex)
{
	struct chain *chain = calloc(1, sizeof(*chain));

	if (!chain)
		return NULL;
	libxdp_set_print(no_output);
	chain->ifindex = (int)ifindex;
	chain->programs = xdp_multiprog__get_from_ifindex(chain->ifindex);
	if (libxdp_get_error(chain->programs))
		chain->programs = NULL;
	if (chain->programs && !xdp_multiprog__is_legacy(chain->programs))
		return chain;
	chain_close(chain);
	return NULL;
}

void chain_close(struct chain *chain)
{
	if (!chain)
		return;
	xdp_multiprog__close(chain->programs);
	free(chain);
}

/* Ours in the chain that is not the program `but`; NULL: none. Belongs to the chain. */
static struct xdp_program *find(const struct config *config, struct chain *chain,
                                const struct maps_program *but)
{
	struct xdp_program *at = NULL;

	while ((at = xdp_multiprog__next_prog(at, chain->programs))) {
		struct maps_program program;

		if (strncmp(xdp_program__name(at), PROGRAM_NAME, sizeof(program.name) - 1) ||
		    maps_program_read(xdp_program__fd(at), &program) ||
		    !takeover_is_ours(config->pin_dir, &program))
			continue;
		if (!but || memcmp(program.tag, but->tag, sizeof(but->tag)))
			return at;
	}
	return NULL;
}

uint32_t chain_program(const struct config *config, struct chain *chain)
{
	struct xdp_program *ours = find(config, chain, NULL);

	return ours ? xdp_program__id(ours) : 0;
}

/* libxdp loads the object itself, as a program of type EXT; with fragments where the others have
 * them, since a dispatcher has them only if all do. */
static int add(struct chain *chain, struct bpf_object *object)
{
	enum xdp_attach_mode mode = xdp_multiprog__attach_mode(chain->programs);
	struct xdp_program *program = xdp_program__from_bpf_obj(object, SECTION_NAME);
	int code = (int)libxdp_get_error(program);

	if (code)
		return code;
	if (xdp_multiprog__xdp_frags_support(chain->programs))
		code = xdp_program__set_xdp_frags_support(program, true);
	if (!code)
		code = xdp_program__attach(program, chain->ifindex, mode, 0);
	xdp_program__close(program);
	return code;
}

static int join(const struct config *config, struct chain *chain, struct error *error)
{
	struct maps_object *object;
	int code = maps_object_open(config, &object, error);

	if (code)
		return code;
	use_our_dispatcher();
	code = add(chain, maps_object_bpf(object));
	maps_object_close(object);
	if (code)
		return error_set(error, -code, NULL, 0,
		                 "joining the dispatcher that is attached: %s (from Linux 6.12 on "
		                 "%s must be anamed's or of libxdp 1.5.5; looked for in %s)",
		                 strerror(-code), DISPATCHER_NAME,
		                 getenv(OBJECT_PATH) ? getenv(OBJECT_PATH) : ANAMED_BPF_DIR);
	return 0;
}

static int leave(struct chain *chain, struct xdp_program *program)
{
	use_our_dispatcher();
	return xdp_program__detach(program, chain->ifindex,
	                           xdp_multiprog__attach_mode(chain->programs), 0);
}

int chain_attach(const struct config *config, struct chain *chain,
                 const struct maps_program *pinned, struct error *error)
{
	struct xdp_program *old = find(config, chain, pinned);
	int code;

	if (!old && find(config, chain, NULL))
		return 0;
	code = join(config, chain, error);
	if (code || !old)
		return code;
	code = leave(chain, old);
	if (code)
		return error_set(error, -code, NULL, 0, "taking the old program out: %s",
		                 strerror(-code));
	return 0;
}

int chain_detach(const struct config *config, struct chain *chain, struct error *error)
{
	struct xdp_program *ours = find(config, chain, NULL);
	int code = ours ? leave(chain, ours) : 0;

	if (code)
		return error_set(error, -code, NULL, 0, "leaving the dispatcher: %s",
		                 strerror(-code));
	return 0;
}
