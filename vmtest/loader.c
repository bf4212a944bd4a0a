/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loader - shows the BPF object to this kernel's verifier.
 *
 * loader OBJECT [BUDGET]: loads it, pins nothing, prints for each program how
 * many instructions the verifier walked, and fails when that is more than
 * BUDGET. When the kernel refuses, the end of the verifier's log is printed.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define LOG_SIZE (16u << 20)
#define LOG_TAIL 6000

static int print(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static void print_log_end(const char *log)
{
	size_t len = strlen(log);

	fprintf(stderr, "verifier log, its end:\n%s\n",
	        len > LOG_TAIL ? log + len - LOG_TAIL : log);
}

/* 0 if the program stayed within the budget. */
static int report(const struct bpf_program *program, unsigned int budget)
{
	struct bpf_prog_info info = {0};
	__u32 len = sizeof(info);
	int error = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &len);

	if (error) {
		fprintf(stderr, "loader: no information on %s: %s\n", bpf_program__name(program),
		        strerror(-error));
		return 1;
	}
	printf("verifier: %s: %u instructions walked, %u octets\n", bpf_program__name(program),
	       info.verified_insns, info.xlated_prog_len);
	if (info.verified_insns <= budget)
		return 0;
	fprintf(stderr, "loader: over the budget of %u\n", budget);
	return 1;
}

int main(int argc, char **argv)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	unsigned int budget = argc > 2 ? (unsigned int)strtoul(argv[2], NULL, 10) : 1000000;
	struct bpf_program *program;
	struct bpf_object *object;
	int failed = 0;
	char *log;

	if (argc < 2) {
		fprintf(stderr, "usage: loader OBJECT [BUDGET]\n");
		return 2;
	}
	log = calloc(1, LOG_SIZE);
	if (!log)
		return 1;
	libbpf_set_print(print);
	setrlimit(RLIMIT_MEMLOCK, &unlimited); /* kernels before 5.11 count maps against it */
	LIBBPF_OPTS(bpf_object_open_opts, options, .kernel_log_buf = log,
	            .kernel_log_size = LOG_SIZE);
	object = bpf_object__open_file(argv[1], &options);
	if (!object) {
		fprintf(stderr, "loader: cannot open %s\n", argv[1]);
		free(log);
		return 1;
	}
	if (bpf_object__load(object)) {
		print_log_end(log);
		failed = 1;
	} else {
		bpf_object__for_each_program(program, object) failed |= report(program, budget);
	}
	bpf_object__close(object);
	free(log);
	return failed;
}
