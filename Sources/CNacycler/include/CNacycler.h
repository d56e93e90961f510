// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: NaCycler contributors
//
// The few Linux calls that Swift cannot say, because Glibc's module does not import them. Nothing here logs or decides
// anything or holds state, but for the one counter that a signal handler must find; every function that can fail returns
// a negative errno value instead of setting errno, so that nothing between the call and the test can overwrite it.

#ifndef NACYCLER_CNACYCLER_H
#define NACYCLER_CNACYCLER_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Makes a non-blocking, close-on-exec event counter. Returns its descriptor or a negative errno value.
int nacycler_event_open(void);

/// Makes a poll on the counter return. Async-signal-safe. Returns 0 or a negative errno value; a counter that is full
/// is already signalled and counts as success.
int nacycler_event_signal(int descriptor);

/// Takes all signals off the counter. Returns 1 when there was one, 0 when there was none, or a negative errno value.
int nacycler_event_drain(int descriptor);

/// From now on `signal` is counted on this event counter, whichever thread it reaches, instead of doing what it usually
/// does. There is one counter for all signals: the descriptor that was given last. Returns 0 or a negative errno value.
int nacycler_event_on_signal(int signal, int descriptor);

/// Gives `signal` its usual effect back. Returns 0 or a negative errno value.
int nacycler_signal_default(int signal);

/// poll with a time-out in microseconds, negative for none. `waited` are `count` values of struct pollfd; the type is not
/// named, or Swift would take this header for its home wherever it happens to be read first. Returns how many descriptors
/// are ready, 0 when the time is over, or a negative errno value (-EINTR when a signal handler ran).
int nacycler_poll(void *waited, int count, int64_t timeout_us);

/// Microseconds since the machine started, suspended time included (CLOCK_BOOTTIME).
int64_t nacycler_boottime_us(void);

/// Microseconds since 1970-01-01T00:00:00Z (CLOCK_REALTIME).
int64_t nacycler_unix_us(void);

/// Names the calling thread for top and gdb; what does not fit into 15 bytes is cut off, never inside a UTF-8
/// character. Returns 0 or a negative errno value.
int nacycler_thread_set_name(const char *name);

/// Writes the calling thread's name, at most 15 bytes and a zero, into `buffer`, which holds at least 16 bytes.
/// Returns 0 or a negative errno value.
int nacycler_thread_get_name(char *buffer, int capacity);

/// The kernel's number of the calling thread.
int nacycler_thread_id(void);

/// Credentials of the process at the other end of a connected Unix socket. Returns 0 or a negative errno value.
int nacycler_peer_credentials(int descriptor, int32_t *process, uint32_t *user, uint32_t *group);

/// A device number as stat's st_dev holds it, from its two halves.
uint64_t nacycler_device_number(uint32_t major_number, uint32_t minor_number);

/// Asks the kernel to send `signal` to this process when its parent ends (prctl PR_SET_PDEATHSIG); 0 takes it back.
/// Returns 0 or a negative errno value.
int nacycler_signal_on_parent_death(int signal);

/// Asks the kernel for a pseudo-terminal pair: both ends raw, non-blocking, close-on-exec. Writes the path of the
/// instrument's side (the one that a host opens) into `path`. Returns 0 or a negative errno value.
int nacycler_pty_open(int *bench_side, int *host_side, char *path, int capacity);

/// Takes an interface of a USB device that was opened through usbfs. Returns 0 or a negative errno value.
int nacycler_usb_claim(int descriptor, uint32_t interface_number);

/// Gives an interface back. Returns 0 or a negative errno value.
int nacycler_usb_release(int descriptor, uint32_t interface_number);

/// One bulk transfer through usbfs; the endpoint's highest bit says that it comes from the device. Returns how many bytes
/// went, or a negative errno value (-ETIMEDOUT when none went in time).
int nacycler_usb_bulk(int descriptor, uint8_t endpoint, void *data, uint32_t length, uint32_t timeout_ms);

/// Takes an interface of a USB device for this program, away from the driver of the system with that name if it has it, and
/// from no other. Returns 0 or a negative errno value (-EBUSY when another program or driver has it).
int nacycler_usb_claim_from(int descriptor, uint32_t interface_number, const char *driver);

/// One control transfer through usbfs; the highest bit of `request_type` says that data come from the device. Returns how many
/// bytes went, or a negative errno value (-ETIMEDOUT when it was not answered in time, -EPIPE when it was refused).
int nacycler_usb_control(int descriptor, uint8_t request_type, uint8_t request, uint16_t value, uint16_t index, void *data,
                         uint16_t length, uint32_t timeout_ms);

/// Ends the halt of an endpoint, at both ends. Returns 0 or a negative errno value.
int nacycler_usb_clear_halt(int descriptor, uint8_t endpoint);

/// A bulk transfer that the kernel carries out by itself, with the bytes that it carries.
struct nacycler_usb_transfer;

/// Makes a transfer for an endpoint, with room for `capacity` bytes. Returns NULL when there is no memory.
struct nacycler_usb_transfer *nacycler_usb_transfer_new(uint8_t endpoint, uint32_t capacity);

/// Frees a transfer. It must have been reaped, or its device be closed.
void nacycler_usb_transfer_free(struct nacycler_usb_transfer *transfer);

/// Its bytes: those to be sent, or those that came.
uint8_t *nacycler_usb_transfer_bytes(struct nacycler_usb_transfer *transfer);

/// What became of it, once it was reaped: how many bytes went, or a negative errno value (-ENOENT when it was taken back,
/// -EPIPE when the device refused it, -ESHUTDOWN or -ENODEV when the device is gone).
int nacycler_usb_transfer_outcome(const struct nacycler_usb_transfer *transfer);

/// Hands a transfer of `length` bytes to the kernel. Returns at once: 0 or a negative errno value, -EINVAL for more than its
/// capacity.
int nacycler_usb_submit(int descriptor, struct nacycler_usb_transfer *transfer, uint32_t length);

/// Takes a transfer back. It still has to be reaped, and is by then: with -ENOENT, or with what became of it before.
/// Returns 0 or a negative errno value (-EINVAL when the kernel does not have it any more).
int nacycler_usb_cancel(int descriptor, struct nacycler_usb_transfer *transfer);

/// The next transfer that is over. Returns 0, or a negative errno value (-EAGAIN when none is, -ENODEV when none is and the
/// device is gone).
int nacycler_usb_reap(int descriptor, struct nacycler_usb_transfer **transfer);

/// A descriptor that is readable while a transfer of the device is over and not reaped, while the device is gone, or while the
/// event counter is signalled. Returns it or a negative errno value.
int nacycler_usb_watch(int descriptor, int event);

#ifdef __cplusplus
}
#endif

#endif
