/* flood ADDRESS PORT RATE SECONDS: so many datagrams of 24 bytes a second to a UDP port; prints how many a second left. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define AT_ONCE 64

static double now(void) {
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return at.tv_sec + at.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    struct sockaddr_in target = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[2]))};
    double rate = atof(argv[3]), seconds = atof(argv[4]);
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    if (fd < 0 || inet_pton(AF_INET, argv[1], &target.sin_addr) != 1) return 1;
    char payload[24] = "answers nobody's probe";
    struct iovec data = {payload, sizeof payload};
    struct mmsghdr messages[AT_ONCE];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < AT_ONCE; i++) {
        messages[i].msg_hdr.msg_name = &target;
        messages[i].msg_hdr.msg_namelen = sizeof target;
        messages[i].msg_hdr.msg_iov = &data;
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    double began = now(), past;
    long sent = 0;
    while ((past = now() - began) < seconds) {
        if (sent >= past * rate) continue;
        int left = sendmmsg(fd, messages, AT_ONCE, 0);
        if (left > 0) sent += left;
    }
    printf("%.0f\n", sent / seconds);
    return 0;
}
