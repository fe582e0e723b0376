/* cairn.yaml from hostile hands: no crash, no hang, faults with a place. SPDX: Apache-2.0 */
#include "server/config_priv.h"

#include "base/mem.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char made[] = "/tmp/cairn-fuzz-XXXXXX";

static void remove_project(void)
{
    char path[64];
    snprintf(path, sizeof path, "%s/cairn.yaml", made);
    unlink(path);
    rmdir(made);
}

/* A folder of our own, under a name that is the same in each run. */
static const char *project(void)
{
    static char dir[32];
    if (dir[0])
        return dir;
    int fd = mkdtemp(made) ? open(made, O_PATH | O_DIRECTORY) : -1;
    if (fd < 0 || dup2(fd, 200) != 200)
        abort();
    atexit(remove_project);
    snprintf(dir, sizeof dir, "/proc/self/fd/%d", 200);
    return dir;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    struct config *c;
    struct err err = {0};
    struct buf b;
    snprintf(path, sizeof path, "%s/cairn.yaml", project());
    FILE *f = fopen(path, "w");
    if (!f || fwrite(data, 1, size, f) != size)
        abort();
    fclose(f);
    buf_init(&b, 1 << 20);
    int code = config_load(project(), NULL, 0, &c, &err);
    BUG_ON(code != err.code || (code < 0 && err.item_count == 0));
    for (size_t i = 0; i < err.item_count; i++)
        BUG_ON(err.items[i].message.len == 0);
    if (code < 0)
        config_faults(&err, &b);
    else
        config_show(c, &b);
    buf_fini(&b);
    config_free(&c);
    return 0;
}
