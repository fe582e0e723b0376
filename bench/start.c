/* start.c -- time from exec to the first answer. SPDX: Apache-2.0
 * Why in C: the fork of a large process (Node) would be a good part of what is measured.
 * usage: start PORT PATH COMMAND...: prints microseconds; ends the command with SIGTERM. */
#include "histogram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_US = 20000000, PAUSE_US = 100 };

/* 1 answered with 200, 0 nobody listens, -1 something else came. */
static int ask(unsigned short port, const char *path)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    char text[512];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), len, good;

    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0) {
        close(fd);
        return 0;
    }
    len = snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
    good = write(fd, text, (size_t)len) == len && read(fd, text, sizeof text) >= 12 &&
           memcmp(text, "HTTP/1.1 200", 12) == 0;
    close(fd);
    return good ? 1 : -1;
}

int main(int argc, char **argv)
{
    uint64_t begun = now_us();
    int got = 0;
    pid_t pid;

    if (argc < 4)
        return fprintf(stderr, "usage: start PORT PATH COMMAND...\n"), 2;
    pid = fork();
    if (pid == 0) {
        if (!freopen("/dev/null", "w", stderr) || !freopen("/dev/null", "w", stdout))
            _exit(127);
        execv(argv[3], argv + 3);
        _exit(127);
    }
    while (got == 0 && now_us() - begun < PATIENCE_US && waitpid(pid, NULL, WNOHANG) == 0) {
        got = ask((unsigned short)strtol(argv[1], NULL, 10), argv[2]);
        if (got == 0)
            usleep(PAUSE_US);
    }
    if (got == 1)
        printf("%lu\n", now_us() - begun);
    else
        fprintf(stderr, "start: %s\n", got < 0 ? "not a 200" : "no answer");
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    return got != 1;
}
