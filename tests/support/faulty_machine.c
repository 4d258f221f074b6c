/* A machine whose disk fails and whose wall clock is wrong, as one process sees it.
 *
 * Preloaded into a process, it looks into the folder $FAULTY_MACHINE at every call that matters:
 * "write" and "sync" hold the errno with which such calls fail for files in the folder $FAULTY_DISK,
 * "wall" the seconds by which the wall clock is ahead. What is not there is as it should be.
 * Clocks that nobody can set (monotonic, boottime) are never touched.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long ordered(const char *what)
{
    char path[4096], text[32];
    const char *folder = getenv("FAULTY_MACHINE");
    if (!folder || snprintf(path, sizeof path, "%s/%s", folder, what) >= (int)sizeof path)
        return 0;
    int kept = errno, file = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    ssize_t size = -1;
    if (file >= 0) {
        size = syscall(SYS_read, file, text, sizeof text - 1);
        syscall(SYS_close, file);
    }
    errno = kept;
    if (size <= 0)
        return 0;
    text[size] = 0;
    return strtol(text, NULL, 10);
}

static int fails(int file, const char *what)
{
    char link[64], path[4096];
    const char *disk = getenv("FAULTY_DISK");
    long error = disk ? ordered(what) : 0;
    if (!error)
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path);
    size_t start = strlen(disk);
    if (size <= (ssize_t)start || strncmp(path, disk, start) || path[start] != '/')
        return 0;
    errno = error;
    return 1;
}

ssize_t write(int file, const void *from, size_t size)
{
    return fails(file, "write") ? -1 : syscall(SYS_write, file, from, size);
}

ssize_t pwrite64(int file, const void *from, size_t size, off64_t at)
{
    return fails(file, "write") ? -1 : syscall(SYS_pwrite64, file, from, size, at);
}

ssize_t pwrite(int file, const void *from, size_t size, off_t at)
{
    return pwrite64(file, from, size, at);
}

int fsync(int file)
{
    return fails(file, "sync") ? -1 : syscall(SYS_fsync, file);
}

int fdatasync(int file)
{
    return fails(file, "sync") ? -1 : syscall(SYS_fdatasync, file);
}

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = syscall(SYS_clock_gettime, clock, now);
    if (!status && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        now->tv_sec += ordered("wall");
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into)
        *into = now.tv_sec;
    return now.tv_sec;
}
