#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# pipeline: numbered lines flow from a producer through tee to a consumer,
# until the file "go" appears; the pipes are always full.
cd "$CHECKPOINT_DIR" || exit 3

produce() {
	local i=0
	while [ ! -e go ] || [ $((i % 1000)) -ne 0 ]; do
		echo "line $i of the producer"
		i=$((i + 1))
	done
}

consume() {
	local line
	while read -r line; do
		echo "$line"
	done >consumed
}

produce | tee teed | consume
echo "${PIPESTATUS[*]}" >status.tmp
mv status.tmp status
