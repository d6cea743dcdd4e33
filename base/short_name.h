/* SPDX-License-Identifier: Apache-2.0 */
/* Names of functions that fit on a line. */
#ifndef SL_BASE_SHORT_NAME_H
#define SL_BASE_SHORT_NAME_H

/* Columns of a function's name in what people read, and bytes for it. */
#define SL_SHORT_NAME_COLUMNS 80
#define SL_SHORT_NAME_MAX     (4 * SL_SHORT_NAME_COLUMNS + 1)

/*
 * A name that is wider loses its template arguments ("app::Pool<...>::wait(int)"), then its
 * parameters ("(...)"), then the type in front of Rust's methods ("<...>::wait"), then its end.
 * JSON has the whole.  What is balanced stays so, and nothing becomes longer.
 *
 * @return name, or what is in the buffer; either may have bytes that are not printable
 */
const char *sl_short_name(const char *name, char buffer[SL_SHORT_NAME_MAX]);

#endif
