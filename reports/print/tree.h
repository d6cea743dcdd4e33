/* SPDX-License-Identifier: Apache-2.0 */
/* Who waits for whom, for people. */
#ifndef SL_REPORTS_PRINT_TREE_H
#define SL_REPORTS_PRINT_TREE_H

#include "harness/model/wait_tree.h"
#include "reports/page.h"

/* Deadlocks whole, of long trees the beginning; nothing where no thread waits for another. */
void tree_print(const struct sl_page *page, size_t indent, const struct sl_wait_tree *tree);

#endif
