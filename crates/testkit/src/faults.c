/* What a bad machine does to a process, loaded before the C library: files below one folder cannot be written, synced or read,
 * and the clock is wrong. A test says what by the file that MAINSTAY_TEST_FAULTS names, which is mapped here; faults.rs has the
 * other half. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct faults {
    int64_t clock_seconds;
    int32_t write_error;
    int32_t sync_error;
    int32_t read_error;
    int32_t unused;
};

static const struct faults none;
static const volatile struct faults *faults = &none;
static const char *folder = "";

#define REAL(name) static __typeof__(&name) real; if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("MAINSTAY_TEST_FAULTS"), *below = getenv("MAINSTAY_TEST_FAULTS_BELOW");
    if (!path || !below) return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof(struct faults), PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped == MAP_FAILED) return;
    folder = below;
    faults = mapped;
}

/* Says whether a descriptor is of a file below the folder. */
static int concerned(int descriptor) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, folder, strlen(folder)) == 0;
}

#define FAIL(error) if (faults->error) { \
        int before = errno; \
        if (concerned(descriptor)) { errno = faults->error; return -1; } \
        errno = before; }

ssize_t write(int descriptor, const void *bytes, size_t count) {
    FAIL(write_error) REAL(write);
    return real(descriptor, bytes, count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    FAIL(write_error) REAL(pwrite);
    return real(descriptor, bytes, count, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    FAIL(write_error) REAL(pwrite64);
    return real(descriptor, bytes, count, offset);
}

int fsync(int descriptor) {
    FAIL(sync_error) REAL(fsync);
    return real(descriptor);
}

int fdatasync(int descriptor) {
    FAIL(sync_error) REAL(fdatasync);
    return real(descriptor);
}

ssize_t read(int descriptor, void *bytes, size_t count) {
    FAIL(read_error) REAL(read);
    return real(descriptor, bytes, count);
}

ssize_t pread(int descriptor, void *bytes, size_t count, off_t offset) {
    FAIL(read_error) REAL(pread);
    return real(descriptor, bytes, count, offset);
}

ssize_t pread64(int descriptor, void *bytes, size_t count, off64_t offset) {
    FAIL(read_error) REAL(pread64);
    return real(descriptor, bytes, count, offset);
}

/* The clock of the wall only: what measures durations goes on. */
int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(clock_gettime);
    int done = real(clock, now);
    if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec += faults->clock_seconds;
    return done;
}

int gettimeofday(struct timeval *now, void *zone) {
    REAL(gettimeofday);
    int done = real(now, zone);
    if (done == 0) now->tv_sec += faults->clock_seconds;
    return done;
}

time_t time(time_t *kept) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (kept) *kept = now.tv_sec;
    return now.tv_sec;
}
