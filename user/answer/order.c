/* SPDX-License-Identifier: BSD-2-Clause */
#include "answer/order.h"

#include <string.h>

#include <xxhash.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_keys(const struct an_audience_key *a, const struct an_audience_key *b)
{
	int order = COMPARE(a->region, b->region);

	if (!order)
		order = COMPARE(a->family, b->family);
	if (!order)
		order = memcmp(a->prefix, b->prefix, sizeof(a->prefix));
	if (!order)
		order = COMPARE(a->len, b->len);
	return order ? order : COMPARE(a->kind, b->kind);
}

/* While an answer takes another one's place both are there. */
static int compare(const struct answer *a, const struct answer *b)
{
	int order = compare_keys(&a->key, &b->key);

	return order ? order : COMPARE((uintptr_t)a, (uintptr_t)b);
}

/* From where the answer lies in memory. */
static uint64_t rank(const struct answer *answer)
{
	return XXH64(&answer, sizeof(answer), 0);
}

/* What is before the answer, and what is behind it. */
static void split(struct answer *tree, const struct answer *by, struct answer **before,
                  struct answer **behind)
{
	while (tree) {
		if (compare(tree, by) < 0) {
			*before = tree;
			before = &tree->behind;
			tree = tree->behind;
		} else {
			*behind = tree;
			behind = &tree->before;
			tree = tree->before;
		}
	}
	*before = *behind = NULL;
}

void order_add(struct answer **root, struct answer *answer)
{
	while (*root && rank(*root) >= rank(answer))
		root = compare(answer, *root) < 0 ? &(*root)->before : &(*root)->behind;
	split(*root, answer, &answer->before, &answer->behind);
	*root = answer;
}

void order_remove(struct answer **root, struct answer *answer)
{
	struct answer *before = answer->before, *behind = answer->behind;

	while (*root != answer)
		root = compare(answer, *root) < 0 ? &(*root)->before : &(*root)->behind;
	while (before && behind) {
		if (rank(before) >= rank(behind)) {
			*root = before;
			root = &before->behind;
			before = before->behind;
		} else {
			*root = behind;
			root = &behind->before;
			behind = behind->before;
		}
	}
	*root = before ? before : behind;
}

struct answer *order_first(struct answer *root, const struct an_audience_key *key,
                           const struct answer *after)
{
	struct answer *found = NULL;

	while (root) {
		bool fits = after ? compare(root, after) > 0 : compare_keys(&root->key, key) >= 0;

		if (fits)
			found = root;
		root = fits ? root->before : root->behind;
	}
	return found;
}
