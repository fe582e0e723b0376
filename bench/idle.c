/* idle.c -- opens keep-alive connections, uses each once, and then keeps them idle.
 * SPDX: Apache-2.0
 * usage: idle PORT COUNT PATH: prints "ready" when all were answered; ends when stdin does. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int stop(const char *what, long at)
{
    fprintf(stderr, "idle: %s at connection %ld: %s\n", what, at, strerror(errno));
    return 1;
}

static int connect_to(unsigned short port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        return -1;
    return fd;
}

int main(int argc, char **argv)
{
    struct rlimit files;
    char out[512], in[65536];
    long count;
    int len;

    if (argc < 4)
        return fprintf(stderr, "usage: idle PORT COUNT PATH\n"), 2;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    count = strtol(argv[2], NULL, 10);
    len = snprintf(out, sizeof out, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[3]);
    for (long i = 0; i < count; i++) {
        int fd = connect_to((unsigned short)strtol(argv[1], NULL, 10));
        if (fd < 0)
            return stop("connect", i);
        if (write(fd, out, (size_t)len) != len || read(fd, in, sizeof in) < 12 ||
            memcmp(in, "HTTP/1.1 200", 12) != 0)
            return stop("no answer", i);
    }
    puts("ready");
    fflush(stdout);
    while (read(0, in, sizeof in) > 0)
        ;
    return 0;
}
