/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "image/magic.h"

#include <string.h>

#include "proto/memory.pb-c.h"
#include "proto/paths.pb-c.h"
#include "test.h"

TEST(image_names_have_decimal_hex_or_no_numbers)
{
	char name[IMAGE_NAME_MAX];

	image_name(name, IMAGE_CORE, 42);
	CHECK_STR(name, "core-42.img");
	image_name(name, IMAGE_TCP_STREAM, 0x12e7aa);
	CHECK_STR(name, "tcp-stream-12e7aa.img");
	image_name(name, IMAGE_FILES, 42);
	CHECK_STR(name, "files.img");
	image_name(name, IMAGE_TMPFS, 51);
	CHECK_STR(name, "tmpfs-dev-51.tar.gz.img");
	image_name(name, IMAGE_STATS_DUMP, 0);
	CHECK_STR(name, "stats-dump");
	image_name(name, IMAGE_PAGEMAP_SHMEM, UINT64_MAX);
	CHECK_STR(name, "pagemap-shmem-18446744073709551615.img");
}

TEST(every_image_name_is_parsed_back)
{
	enum image_type type;
	char name[IMAGE_NAME_MAX];
	uint64_t id;

	for (int i = 0; i < IMAGE_TYPES; i++) {
		image_name(name, (enum image_type)i, 0x4d2);
		REQUIRE(image_name_parse(name, &type, &id));
		CHECK_INT(type, i);
		CHECK_INT(id, image_form(type)->number ? 0x4d2 : 0);
	}
}

TEST(names_that_are_no_images_are_not_parsed)
{
	static const char *const names[] = {"core.img", "core-.img",
		"core-x.img", "core--1.img", "core-01.img", "core-1.img.bak",
		"descriptors.json", "files-1.img", "parent", "", "pages-1"};
	enum image_type type;
	uint64_t id;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!CHECK(!image_name_parse(names[i], &type, &id)))
			CHECK_STR(names[i], "");
}

TEST(no_two_images_share_a_name)
{
	char one[IMAGE_NAME_MAX], other[IMAGE_NAME_MAX];

	for (int i = 0; i < IMAGE_TYPES; i++)
		for (int k = 0; k < i; k++) {
			image_name(one, (enum image_type)i, 7);
			image_name(other, (enum image_type)k, 7);
			CHECK(strcmp(one, other) != 0);
		}
}

TEST(the_first_record_of_a_pagemap_is_its_head)
{
	CHECK(image_message(IMAGE_PAGEMAP, 0) == &pagemap_head__descriptor);
	CHECK(image_message(IMAGE_PAGEMAP, 1) == &pagemap_entry__descriptor);
	CHECK(image_message(IMAGE_GHOST_FILE, 0) ==
		&ghost_file_entry__descriptor);
	CHECK(image_message(IMAGE_MM, 0) == &mm_entry__descriptor);
	CHECK(image_message(IMAGE_PAGES, 0) == NULL);
}
