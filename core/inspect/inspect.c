/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "inspect/inspect.h"

#include <errno.h>

#include "inspect/gather.h"
#include "inspect/print.h"
#include "inspect/stacks.h"

int inspect_print(struct image_set *set, FILE *out, bool json, bool stacks,
	struct err *err)
{
	struct inspection in;

	if (inspection_gather(set, &in, err) < 0)
		return err_wrap(err, "inspecting the images");
	if (stacks && stacks_gather(&in, err) < 0)
		return err_wrap(err, "inspecting the images");
	if (json)
		inspection_print_json(&in, out);
	else
		inspection_print_text(&in, out);
	if (fflush(out) != 0 || ferror(out))
		return err_errno(err, "writing what was found");
	return 0;
}
