/* SPDX-License-Identifier: Apache-2.0 */
/* Pages that never answer who reads them.  The test is skipped where none can be made. */
#ifndef SL_TEST_SILENCE_H
#define SL_TEST_SILENCE_H

#include "sl_test.h"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SL_SILENT_PAGE ((size_t) 4096)

/* Let the pages be silent, from now on and until the test ends. */
static inline void sl_silence(void *pages, size_t n)
{
    int fd = (int) syscall(SYS_userfaultfd, O_CLOEXEC);
    struct uffdio_api api = {.api = UFFD_API};
    struct uffdio_register range = {.range = {(uintptr_t) pages, n * SL_SILENT_PAGE},
                                    .mode = UFFDIO_REGISTER_MODE_MISSING};

    if (fd < 0 || ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &range))
        cr_skip_test("no memory can be made that never answers");
    cr_assert_eq(madvise(pages, n * SL_SILENT_PAGE, MADV_DONTNEED), 0);
}

static inline unsigned char *sl_pages(size_t n)
{
    void *pages =
        mmap(NULL, n * SL_SILENT_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(pages, MAP_FAILED);
    return pages;
}

#endif
