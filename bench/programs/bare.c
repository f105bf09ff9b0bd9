/* As bare.py, in C: ./bare probe|wake TARGET HOPS ROUNDS INTERVAL_NS. It sleeps with clock_nanosleep(2) to the time that
 * each probe is due (TIMER_ABSTIME), so that how late it sends is how late this machine wakes a program.
 * Prints "ROUND TTL SENT_NS RECEIVED_NS" for each answered probe (kernel stamps), then "cpu NS WAKES" for the loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

typedef long long ns_t;
enum { MOST = 65536, FLAGS = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
                             SOF_TIMESTAMPING_OPT_TSONLY };
static ns_t sent[MOST], received[MOST];
static int sock, base;

static ns_t ns(struct timespec t) { return t.tv_sec * 1000000000LL + t.tv_nsec; }

static ns_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return ns(t);
}

static void sleep_until(ns_t due) {
    struct timespec t = {due / 1000000000, due % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, 0) == EINTR) {}
}

static void number_from(int probe) {
    int flags = FLAGS, numbered = FLAGS | SOF_TIMESTAMPING_OPT_ID;
    base = probe;
    setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPING, &flags, sizeof flags);
    setsockopt(sock, SOL_SOCKET, SO_TIMESTAMPING, &numbered, sizeof numbered);
}

static void drain_queue(int flags) {
    for (;;) {
        unsigned char data[256];
        _Alignas(struct cmsghdr) char control[512];
        struct iovec part = {data, sizeof data};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t length = recvmsg(sock, &message, flags | MSG_DONTWAIT);
        if (length < 0) {
            if (errno == EAGAIN) return;
            continue; /* an ICMP message's error, now off the socket */
        }
        ns_t stamp = 0;
        struct sock_extended_err error = {0};
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
            if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPING) {
                struct timespec t;
                memcpy(&t, CMSG_DATA(c), sizeof t);
                stamp = ns(t);
            } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) {
                memcpy(&error, CMSG_DATA(c), sizeof error);
            }
        }
        if (error.ee_origin == SO_EE_ORIGIN_TIMESTAMPING) {
            if (base + error.ee_data < MOST) sent[base + error.ee_data] = stamp;
        } else if (length >= 8 && (error.ee_origin == 0 || error.ee_origin == SO_EE_ORIGIN_ICMP)) {
            int probe = data[6] << 8 | data[7];
            if (!received[probe]) received[probe] = stamp;
        }
    }
}

static void drain(void) {
    drain_queue(MSG_ERRQUEUE);
    drain_queue(0);
}

static void send_probe(int probe, int ttl, struct sockaddr_in *to) {
    unsigned char data[44] = {8};
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof ttl)] = {0};
    struct iovec part = {data, sizeof data};
    struct msghdr message = {.msg_name = to, .msg_namelen = sizeof *to, .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_TTL;
    c->cmsg_len = CMSG_LEN(sizeof ttl);
    memcpy(CMSG_DATA(c), &ttl, sizeof ttl);
    data[6] = probe >> 8;
    data[7] = probe;
    while (sendmsg(sock, &message, 0) < 0) {
        drain();
        number_from(probe);
    }
}

int main(int argc, char **argv) {
    if (argc != 6) return 2;
    int probing = !strcmp(argv[1], "probe"), hops = atoi(argv[3]), rounds = atoi(argv[4]), on = 1;
    ns_t interval = atoll(argv[5]), gap = interval / 10 * 9 / hops;
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (hops < 1 || rounds < 1 || hops * rounds > MOST || inet_pton(AF_INET, argv[2], &to.sin_addr) != 1) return 2;
    sock = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);
    if (sock < 0) return perror("a ping socket"), 1;
    setsockopt(sock, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
    number_from(0);
    sleep_until(now(CLOCK_MONOTONIC) + 100000000); /* the kernel is some milliseconds late in starting to stamp */
    ns_t start = now(CLOCK_MONOTONIC) + gap, cpu = now(CLOCK_PROCESS_CPUTIME_ID);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    for (int probe = 0; probe < hops * rounds; probe++) {
        sleep_until(start + probe / hops * interval + probe % hops * gap);
        if (probing) {
            drain();
            send_probe(probe, probe % hops + 1, &to);
        }
    }
    cpu = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    getrusage(RUSAGE_SELF, &after);
    sleep_until(now(CLOCK_MONOTONIC) + 500000000);
    drain();
    for (int probe = 0; probe < hops * rounds; probe++)
        if (sent[probe] && received[probe])
            printf("%d %d %lld %lld\n", probe / hops, probe % hops + 1, sent[probe], received[probe]);
    printf("cpu %lld %ld\n", cpu, after.ru_nvcsw - before.ru_nvcsw);
}
