/* A path of N hops behind a TUN device sim0 that answers each IPv4 probe at once: ./reflector N. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static unsigned short sum(const unsigned char *p, int n) {
    unsigned long s = 0;
    for (int i = 0; i + 1 < n; i += 2) s += p[i] << 8 | p[i + 1];
    if (n & 1) s += p[n - 1] << 8;
    while (s >> 16) s = (s & 0xffff) + (s >> 16);
    return htons(~s & 0xffff);
}

int main(int argc, char **argv) {
    int hops = argc > 1 ? atoi(argv[1]) : 15, fd = open("/dev/net/tun", O_RDWR);
    struct ifreq r = {0};
    r.ifr_flags = IFF_TUN | IFF_NO_PI;
    strcpy(r.ifr_name, "sim0");
    if (fd < 0 || ioctl(fd, TUNSETIFF, &r) < 0) return 1;
    puts("made");
    fflush(stdout);
    unsigned char in[2048], out[2048];
    for (int n; (n = read(fd, in, sizeof in)) >= 0 || 1;) {
        if (n < 28 || in[0] != 0x45 || in[9] != 1 || in[20] != 8) continue;
        int length, ttl = in[8];
        memset(out, 0, 64);
        if (ttl >= hops) {
            length = n;
            memcpy(out, in, n);
            memcpy(out + 12, in + 16, 4);
            out[20] = 0;
        } else {
            length = 56;
            out[0] = 0x45;
            out[9] = 1;
            out[12] = 10; out[13] = 1; out[14] = 0; out[15] = ttl;
            out[20] = 11;
            memcpy(out + 28, in, 28);
            out[28 + 8] = 1;
        }
        memcpy(out + 16, in + 12, 4);
        out[2] = length >> 8; out[3] = length & 255;
        out[8] = 64;
        out[10] = out[11] = out[22] = out[23] = 0;
        unsigned short c = sum(out, 20);
        memcpy(out + 10, &c, 2);
        c = sum(out + 20, length - 20);
        memcpy(out + 22, &c, 2);
        if (write(fd, out, length) < 0) continue;
    }
}
