/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Choices: a slot that leads to several answers, each in a slot of its own
 * under the same key with its place in `member`. They are the choice's alone:
 * written before it, given back after it.
 */
#include <errno.h>
#include <string.h>

#include "kernel/answers.h"

struct made {
	uint32_t slots[AN_CHOICE_MAX];
	size_t count;
};

bool choice_is(const struct publish *publish, uint32_t slot)
{
	const struct an_slot_head *head;

	if (!desk_is_answer(slot))
		return false;
	head = slots_at(&publish->slots, slot);
	return head && (head->kind == AN_SLOT_CHOICE || head->kind == AN_SLOT_HASHED);
}

static const struct an_choice_slot *choice_at(const struct publish *publish, uint32_t slot)
{
	return (const void *)slots_at(&publish->slots, slot);
}

void choice_members(const struct publish *publish, uint32_t slot, struct choice_members *ret)
{
	ret->count = 0;
	if (!choice_is(publish, slot))
		return;
	for (unsigned int i = 0; i < choice_at(publish, slot)->count && i < AN_CHOICE_MAX; i++)
		ret->slots[ret->count++] = choice_at(publish, slot)->entries[i].slot;
	ret->uid = choice_at(publish, slot)->key.uid;
}

/* What is read back from a map is input: only what is the choice's own is given back. */
void choice_give_members(struct publish *publish, const struct choice_members *members)
{
	for (unsigned int i = 0; i < members->count; i++) {
		uint32_t number = members->slots[i];
		const struct an_answer_slot *slot;

		if (!desk_is_answer(number) || !slots_taken(&publish->slots, number))
			continue;
		slot = (const void *)slots_at(&publish->slots, number);
		if (slot->head.kind == AN_SLOT_ANSWER && slot->key.uid == members->uid &&
		    slot->key.member == i + 1)
			slots_give(&publish->slots, number);
	}
}

uint64_t choice_used(const struct publish *publish, uint32_t slot)
{
	struct choice_members members;
	uint64_t used = slots_used(&publish->slots, slot);

	choice_members(publish, slot, &members);
	for (unsigned int i = 0; i < members.count; i++) {
		uint64_t its = slots_used(&publish->slots, members.slots[i]);

		if (its > used)
			used = its;
	}
	return used;
}

static int make_member(struct publish *publish, const struct book_owner *owner,
                       const struct an_audience_key *key, const struct publish_member *member,
                       uint64_t fresh_until_ms, uint64_t stale_until_ms, struct made *made)
{
	struct answers_image image;
	size_t used = member->image->head.used;
	uint32_t slot;

	if (!desk_image_sane(member->image))
		return -E2BIG;
	answers_image_make(publish, owner, key, member->image, fresh_until_ms, stale_until_ms,
	                   &image);
	answers_image_slot(&image)->key.member = (uint8_t)(made->count + 1);
	slot = desk_take_slot(publish, used, AN_SLOT_NONE, owner);
	if (slot == AN_SLOT_NONE)
		return -ENOSPC;
	slots_write(slots_at(&publish->slots, slot), &image, used);
	made->slots[made->count++] = slot;
	return 0;
}

static void make_choice(const struct book_owner *owner, const struct an_audience_key *key,
                        const struct publish_choice *choice, const struct made *made,
                        struct answers_image *ret)
{
	struct an_choice_slot *slot = (struct an_choice_slot *)(void *)ret->words;

	memset(ret, 0, sizeof(*ret));
	slot->head.kind = choice->hashed ? AN_SLOT_HASHED : AN_SLOT_CHOICE;
	slot->head.zone = owner->zone;
	slot->head.generation = owner->generation;
	slot->head.used = (uint16_t)(AN_CHOICE_AT + made->count * sizeof(slot->entries[0]));
	slot->key = *key;
	slot->count = (uint8_t)made->count;
	slot->cell = choice->cell;
	for (size_t i = 0; i < made->count; i++)
		slot->entries[i] = (struct an_choice_entry){.slot = made->slots[i],
		                                            .id = choice->members[i].id,
		                                            .weight = choice->members[i].weight,
		                                            .bit = choice->members[i].bit};
}

static void drop_made(struct publish *publish, const struct made *made)
{
	for (size_t i = 0; i < made->count; i++)
		slots_give(&publish->slots, made->slots[i]);
}

int publish_choice(struct publish *publish, uint64_t uid, const struct an_audience_key *key,
                   const struct publish_choice *choice, uint64_t fresh_until_ms,
                   uint64_t stale_until_ms, bool catch_all, uint32_t *ret_slot)
{
	struct book_owner *owner = book_owner_by_uid(&publish->book, uid);
	struct an_audience_key whole;
	struct answers_image image;
	struct made made = {.count = 0};
	int error = 0;

	if (!owner)
		return -ENOENT;
	if (!choice->count || choice->count > AN_CHOICE_MAX ||
	    !answers_complete_key(owner, key, &whole))
		return -EINVAL;
	for (size_t i = 0; i < choice->count && !error; i++)
		error = make_member(publish, owner, &whole, &choice->members[i], fresh_until_ms,
		                    stale_until_ms, &made);
	if (!error) {
		make_choice(owner, &whole, choice, &made, &image);
		error = answers_put(publish, owner, &whole, NULL, 0, &image, ret_slot);
	}
	if (error)
		drop_made(publish, &made);
	return answers_settle(publish, uid, &whole, error, catch_all, ret_slot);
}
