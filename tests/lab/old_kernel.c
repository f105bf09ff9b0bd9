/* A kernel that lacks socket options: HOPSCOPE_LACKS="LEVEL:OPTION ..." fail as unknown, HOPSCOPE_FORBIDS="..." for want
   of a privilege, HOPSCOPE_IGNORES="..." are taken and do nothing, as some emulations do. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static int is_named(const char *variable, int level, int option) {
    const char *names = getenv(variable);
    char wanted[32];
    if (!names) return 0;
    snprintf(wanted, sizeof wanted, "%d:%d", level, option);
    size_t length = strlen(wanted);
    for (const char *at = names; (at = strstr(at, wanted)); at += length)
        if ((at == names || at[-1] == ' ') && (at[length] == ' ' || !at[length])) return 1;
    return 0;
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t size) {
    static int (*real)(int, int, int, const void *, socklen_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "setsockopt");
    if (is_named("HOPSCOPE_LACKS", level, option)) { errno = ENOPROTOOPT; return -1; }
    if (is_named("HOPSCOPE_FORBIDS", level, option)) { errno = EPERM; return -1; }
    if (is_named("HOPSCOPE_IGNORES", level, option)) return 0;
    return real(fd, level, option, value, size);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *size) {
    static int (*real)(int, int, int, void *, socklen_t *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "getsockopt");
    if (is_named("HOPSCOPE_LACKS", level, option)) { errno = ENOPROTOOPT; return -1; }
    return real(fd, level, option, value, size);
}
