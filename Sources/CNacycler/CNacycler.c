// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors

#define _GNU_SOURCE
#include "CNacycler.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

int nacycler_event_open(void) {
  int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return descriptor < 0 ? -errno : descriptor;
}

int nacycler_event_signal(int descriptor) {
  // A signal handler may call this, so the interrupted code must find its own errno again.
  int kept = errno;
  const uint64_t one = 1;
  ssize_t written;
  do {
    written = write(descriptor, &one, sizeof one);
  } while (written < 0 && errno == EINTR);
  int result = written < 0 && errno != EAGAIN ? -errno : 0;
  errno = kept;
  return result;
}

int nacycler_event_drain(int descriptor) {
  uint64_t count = 0;
  ssize_t taken;
  do {
    taken = read(descriptor, &count, sizeof count);
  } while (taken < 0 && errno == EINTR);
  if (taken < 0) {
    return errno == EAGAIN ? 0 : -errno;
  }
  return 1;
}

// Atomic, so that a handler that runs while it is set finds the old counter or the new one.
static _Atomic int signal_counter = -1;

static void count_signal(int signal) {
  (void)signal;
  (void)nacycler_event_signal(signal_counter);
}

int nacycler_event_on_signal(int signal, int descriptor) {
  signal_counter = descriptor;
  struct sigaction action = {.sa_handler = count_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

int nacycler_signal_default(int signal) {
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigemptyset(&action.sa_mask);
  return sigaction(signal, &action, NULL) < 0 ? -errno : 0;
}

int nacycler_poll(void *waited, int count, int64_t timeout_us) {
  struct timespec span = {timeout_us / 1000000, timeout_us % 1000000 * 1000};
  int ready = ppoll(waited, (nfds_t)count, timeout_us < 0 ? NULL : &span, NULL);
  return ready < 0 ? -errno : ready;
}

static int64_t microseconds_of(clockid_t clock) {
  struct timespec now = {0, 0};
  // Both clocks exist on every Linux since 2.6.39, and the pointer is good: the call cannot fail.
  (void)clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t nacycler_boottime_us(void) { return microseconds_of(CLOCK_BOOTTIME); }

int64_t nacycler_unix_us(void) { return microseconds_of(CLOCK_REALTIME); }

int nacycler_thread_set_name(const char *name) {
  char cut[16];
  size_t length = strnlen(name, sizeof cut);
  if (length == sizeof cut) {
    length = sizeof cut - 1;
    // Bytes 10xxxxxx continue a character: step back to the one that begins it.
    while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80) {
      length -= 1;
    }
  }
  memcpy(cut, name, length);
  cut[length] = '\0';
  return -pthread_setname_np(pthread_self(), cut);
}

int nacycler_thread_get_name(char *buffer, int capacity) {
  return capacity < 16 ? -ERANGE : -pthread_getname_np(pthread_self(), buffer, (size_t)capacity);
}

int nacycler_thread_id(void) { return (int)syscall(SYS_gettid); }

int nacycler_peer_credentials(int descriptor, int32_t *process, uint32_t *user, uint32_t *group) {
  struct ucred credentials;
  socklen_t size = sizeof credentials;
  if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return -errno;
  }
  *process = credentials.pid;
  *user = credentials.uid;
  *group = credentials.gid;
  return 0;
}

uint64_t nacycler_device_number(uint32_t major_number, uint32_t minor_number) {
  return makedev(major_number, minor_number);
}

int nacycler_signal_on_parent_death(int signal) {
  return prctl(PR_SET_PDEATHSIG, (unsigned long)signal, 0, 0, 0) == 0 ? 0 : -errno;
}

static int make_ready(int descriptor) {
  struct termios line;
  if (tcgetattr(descriptor, &line) != 0) {
    return -errno;
  }
  cfmakeraw(&line);
  if (tcsetattr(descriptor, TCSANOW, &line) != 0) {
    return -errno;
  }
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) != 0) {
    return -errno;
  }
  return fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0 ? 0 : -errno;
}

int nacycler_pty_open(int *bench_side, int *host_side, char *path, int capacity) {
  int bench = -1;
  int host = -1;
  if (openpty(&bench, &host, NULL, NULL, NULL) != 0) {
    return -errno;
  }
  int result = make_ready(host);
  if (result == 0) {
    result = make_ready(bench);
  }
  if (result == 0) {
    result = -ttyname_r(host, path, (size_t)capacity);
  }
  if (result != 0) {
    (void)close(bench);
    (void)close(host);
    return result;
  }
  *bench_side = bench;
  *host_side = host;
  return 0;
}

int nacycler_usb_claim(int descriptor, uint32_t interface_number) {
  unsigned int number = interface_number;
  return ioctl(descriptor, USBDEVFS_CLAIMINTERFACE, &number) < 0 ? -errno : 0;
}

int nacycler_usb_release(int descriptor, uint32_t interface_number) {
  unsigned int number = interface_number;
  return ioctl(descriptor, USBDEVFS_RELEASEINTERFACE, &number) < 0 ? -errno : 0;
}

int nacycler_usb_bulk(int descriptor, uint8_t endpoint, void *data, uint32_t length, uint32_t timeout_ms) {
  struct usbdevfs_bulktransfer transfer = {.ep = endpoint, .len = length, .timeout = timeout_ms, .data = data};
  int count = ioctl(descriptor, USBDEVFS_BULK, &transfer);
  return count < 0 ? -errno : count;
}

int nacycler_usb_claim_from(int descriptor, uint32_t interface_number, const char *driver) {
  struct usbdevfs_disconnect_claim claim = {.interface = interface_number, .flags = USBDEVFS_DISCONNECT_CLAIM_IF_DRIVER};
  if (strlen(driver) >= sizeof claim.driver) {
    return -EINVAL;
  }
  strcpy(claim.driver, driver);
  return ioctl(descriptor, USBDEVFS_DISCONNECT_CLAIM, &claim) < 0 ? -errno : 0;
}

int nacycler_usb_control(int descriptor, uint8_t request_type, uint8_t request, uint16_t value, uint16_t index, void *data,
                         uint16_t length, uint32_t timeout_ms) {
  struct usbdevfs_ctrltransfer transfer = {.bRequestType = request_type,
                                           .bRequest = request,
                                           .wValue = value,
                                           .wIndex = index,
                                           .wLength = length,
                                           .timeout = timeout_ms,
                                           .data = data};
  int count = ioctl(descriptor, USBDEVFS_CONTROL, &transfer);
  return count < 0 ? -errno : count;
}

int nacycler_usb_clear_halt(int descriptor, uint8_t endpoint) {
  unsigned int address = endpoint;
  return ioctl(descriptor, USBDEVFS_CLEAR_HALT, &address) < 0 ? -errno : 0;
}

struct nacycler_usb_transfer {
  uint32_t capacity;
  // Last, because it may end in descriptions of isochronous packets; a bulk transfer has none, and its bytes lie there.
  struct usbdevfs_urb request;
};

struct nacycler_usb_transfer *nacycler_usb_transfer_new(uint8_t endpoint, uint32_t capacity) {
  struct nacycler_usb_transfer *transfer = calloc(1, sizeof *transfer + capacity);
  if (transfer != NULL) {
    transfer->request.type = USBDEVFS_URB_TYPE_BULK;
    transfer->request.endpoint = endpoint;
    transfer->request.buffer = transfer + 1;
    transfer->capacity = capacity;
  }
  return transfer;
}

void nacycler_usb_transfer_free(struct nacycler_usb_transfer *transfer) { free(transfer); }

uint8_t *nacycler_usb_transfer_bytes(struct nacycler_usb_transfer *transfer) { return transfer->request.buffer; }

int nacycler_usb_transfer_outcome(const struct nacycler_usb_transfer *transfer) {
  return transfer->request.status != 0 ? transfer->request.status : transfer->request.actual_length;
}

int nacycler_usb_submit(int descriptor, struct nacycler_usb_transfer *transfer, uint32_t length) {
  if (length > transfer->capacity) {
    return -EINVAL;
  }
  transfer->request.buffer_length = (int)length;
  transfer->request.status = 0;
  transfer->request.actual_length = 0;
  transfer->request.usercontext = transfer;
  return ioctl(descriptor, USBDEVFS_SUBMITURB, &transfer->request) < 0 ? -errno : 0;
}

int nacycler_usb_cancel(int descriptor, struct nacycler_usb_transfer *transfer) {
  return ioctl(descriptor, USBDEVFS_DISCARDURB, &transfer->request) < 0 ? -errno : 0;
}

int nacycler_usb_reap(int descriptor, struct nacycler_usb_transfer **transfer) {
  struct usbdevfs_urb *request = NULL;
  if (ioctl(descriptor, USBDEVFS_REAPURBNDELAY, &request) < 0) {
    return -errno;
  }
  if (request == NULL) {
    return -EAGAIN;
  }
  *transfer = request->usercontext;
  return 0;
}

int nacycler_usb_watch(int descriptor, int event) {
  int watch = epoll_create1(EPOLL_CLOEXEC);
  if (watch < 0) {
    return -errno;
  }
  // usbfs says "writable" when a transfer is over, and hangs up when the device is gone.
  struct epoll_event over = {.events = EPOLLOUT, .data.fd = descriptor};
  struct epoll_event said = {.events = EPOLLIN, .data.fd = event};
  if (epoll_ctl(watch, EPOLL_CTL_ADD, descriptor, &over) != 0 || epoll_ctl(watch, EPOLL_CTL_ADD, event, &said) != 0) {
    int error = errno;
    (void)close(watch);
    return -error;
  }
  return watch;
}
