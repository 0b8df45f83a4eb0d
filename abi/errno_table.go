// SPDX-License-Identifier: Apache-2.0

package abi

// Error numbers, as in asm-generic/errno-base.h and errno.h of Linux; they are
// the same on every architecture Loam knows.
const (
	EPERM           Errno = 1   // operation not permitted
	ENOENT          Errno = 2   // no such file or directory
	ESRCH           Errno = 3   // no such process
	EINTR           Errno = 4   // interrupted system call
	EIO             Errno = 5   // input/output error
	ENXIO           Errno = 6   // no such device or address
	E2BIG           Errno = 7   // argument list too long
	ENOEXEC         Errno = 8   // exec format error
	EBADF           Errno = 9   // bad file descriptor
	ECHILD          Errno = 10  // no child processes
	EAGAIN          Errno = 11  // resource temporarily unavailable
	ENOMEM          Errno = 12  // cannot allocate memory
	EACCES          Errno = 13  // permission denied
	EFAULT          Errno = 14  // bad address
	ENOTBLK         Errno = 15  // block device required
	EBUSY           Errno = 16  // device or resource busy
	EEXIST          Errno = 17  // file exists
	EXDEV           Errno = 18  // invalid cross-device link
	ENODEV          Errno = 19  // no such device
	ENOTDIR         Errno = 20  // not a directory
	EISDIR          Errno = 21  // is a directory
	EINVAL          Errno = 22  // invalid argument
	ENFILE          Errno = 23  // too many open files in system
	EMFILE          Errno = 24  // too many open files
	ENOTTY          Errno = 25  // inappropriate ioctl for device
	ETXTBSY         Errno = 26  // text file busy
	EFBIG           Errno = 27  // file too large
	ENOSPC          Errno = 28  // no space left on device
	ESPIPE          Errno = 29  // illegal seek
	EROFS           Errno = 30  // read-only file system
	EMLINK          Errno = 31  // too many links
	EPIPE           Errno = 32  // broken pipe
	EDOM            Errno = 33  // numerical argument out of domain
	ERANGE          Errno = 34  // numerical result out of range
	EDEADLK         Errno = 35  // resource deadlock avoided
	ENAMETOOLONG    Errno = 36  // file name too long
	ENOLCK          Errno = 37  // no locks available
	ENOSYS          Errno = 38  // function not implemented
	ENOTEMPTY       Errno = 39  // directory not empty
	ELOOP           Errno = 40  // too many levels of symbolic links
	ENOMSG          Errno = 42  // no message of desired type
	EIDRM           Errno = 43  // identifier removed
	ECHRNG          Errno = 44  // channel number out of range
	EL2NSYNC        Errno = 45  // level 2 not synchronized
	EL3HLT          Errno = 46  // level 3 halted
	EL3RST          Errno = 47  // level 3 reset
	ELNRNG          Errno = 48  // link number out of range
	EUNATCH         Errno = 49  // protocol driver not attached
	ENOCSI          Errno = 50  // no CSI structure available
	EL2HLT          Errno = 51  // level 2 halted
	EBADE           Errno = 52  // invalid exchange
	EBADR           Errno = 53  // invalid request descriptor
	EXFULL          Errno = 54  // exchange full
	ENOANO          Errno = 55  // no anode
	EBADRQC         Errno = 56  // invalid request code
	EBADSLT         Errno = 57  // invalid slot
	EBFONT          Errno = 59  // bad font file format
	ENOSTR          Errno = 60  // device not a stream
	ENODATA         Errno = 61  // no data available
	ETIME           Errno = 62  // timer expired
	ENOSR           Errno = 63  // out of streams resources
	ENONET          Errno = 64  // machine is not on the network
	ENOPKG          Errno = 65  // package not installed
	EREMOTE         Errno = 66  // object is remote
	ENOLINK         Errno = 67  // link has been severed
	EADV            Errno = 68  // advertise error
	ESRMNT          Errno = 69  // srmount error
	ECOMM           Errno = 70  // communication error on send
	EPROTO          Errno = 71  // protocol error
	EMULTIHOP       Errno = 72  // multihop attempted
	EDOTDOT         Errno = 73  // RFS specific error
	EBADMSG         Errno = 74  // bad message
	EOVERFLOW       Errno = 75  // value too large for defined data type
	ENOTUNIQ        Errno = 76  // name not unique on network
	EBADFD          Errno = 77  // file descriptor in bad state
	EREMCHG         Errno = 78  // remote address changed
	ELIBACC         Errno = 79  // can not access a needed shared library
	ELIBBAD         Errno = 80  // accessing a corrupted shared library
	ELIBSCN         Errno = 81  // .lib section in a.out corrupted
	ELIBMAX         Errno = 82  // attempting to link in too many shared libraries
	ELIBEXEC        Errno = 83  // cannot exec a shared library directly
	EILSEQ          Errno = 84  // invalid or incomplete multibyte or wide character
	ERESTART        Errno = 85  // interrupted system call should be restarted
	ESTRPIPE        Errno = 86  // streams pipe error
	EUSERS          Errno = 87  // too many users
	ENOTSOCK        Errno = 88  // socket operation on non-socket
	EDESTADDRREQ    Errno = 89  // destination address required
	EMSGSIZE        Errno = 90  // message too long
	EPROTOTYPE      Errno = 91  // protocol wrong type for socket
	ENOPROTOOPT     Errno = 92  // protocol not available
	EPROTONOSUPPORT Errno = 93  // protocol not supported
	ESOCKTNOSUPPORT Errno = 94  // socket type not supported
	ENOTSUP         Errno = 95  // operation not supported
	EPFNOSUPPORT    Errno = 96  // protocol family not supported
	EAFNOSUPPORT    Errno = 97  // address family not supported by protocol
	EADDRINUSE      Errno = 98  // address already in use
	EADDRNOTAVAIL   Errno = 99  // cannot assign requested address
	ENETDOWN        Errno = 100 // network is down
	ENETUNREACH     Errno = 101 // network is unreachable
	ENETRESET       Errno = 102 // network dropped connection on reset
	ECONNABORTED    Errno = 103 // software caused connection abort
	ECONNRESET      Errno = 104 // connection reset by peer
	ENOBUFS         Errno = 105 // no buffer space available
	EISCONN         Errno = 106 // transport endpoint is already connected
	ENOTCONN        Errno = 107 // transport endpoint is not connected
	ESHUTDOWN       Errno = 108 // cannot send after transport endpoint shutdown
	ETOOMANYREFS    Errno = 109 // too many references: cannot splice
	ETIMEDOUT       Errno = 110 // connection timed out
	ECONNREFUSED    Errno = 111 // connection refused
	EHOSTDOWN       Errno = 112 // host is down
	EHOSTUNREACH    Errno = 113 // no route to host
	EALREADY        Errno = 114 // operation already in progress
	EINPROGRESS     Errno = 115 // operation now in progress
	ESTALE          Errno = 116 // stale file handle
	EFSCORRUPTED    Errno = 117 // structure needs cleaning
	ENOTNAM         Errno = 118 // not a XENIX named type file
	ENAVAIL         Errno = 119 // no XENIX semaphores available
	EISNAM          Errno = 120 // is a named type file
	EREMOTEIO       Errno = 121 // remote I/O error
	EDQUOT          Errno = 122 // disk quota exceeded
	ENOMEDIUM       Errno = 123 // no medium found
	EMEDIUMTYPE     Errno = 124 // wrong medium type
	ECANCELED       Errno = 125 // operation canceled
	ENOKEY          Errno = 126 // required key not available
	EKEYEXPIRED     Errno = 127 // key has expired
	EKEYREVOKED     Errno = 128 // key has been revoked
	EKEYREJECTED    Errno = 129 // key was rejected by service
	EOWNERDEAD      Errno = 130 // owner died
	ENOTRECOVERABLE Errno = 131 // state not recoverable
	ERFKILL         Errno = 132 // operation not possible due to RF-kill
	EHWPOISON       Errno = 133 // memory page has hardware error
	EWOULDBLOCK           = EAGAIN
)

// errnoText holds the text of each error number, as strerror(3) gives it.
var errnoText = [...]string{
	EPERM:           "operation not permitted",
	ENOENT:          "no such file or directory",
	ESRCH:           "no such process",
	EINTR:           "interrupted system call",
	EIO:             "input/output error",
	ENXIO:           "no such device or address",
	E2BIG:           "argument list too long",
	ENOEXEC:         "exec format error",
	EBADF:           "bad file descriptor",
	ECHILD:          "no child processes",
	EAGAIN:          "resource temporarily unavailable",
	ENOMEM:          "cannot allocate memory",
	EACCES:          "permission denied",
	EFAULT:          "bad address",
	ENOTBLK:         "block device required",
	EBUSY:           "device or resource busy",
	EEXIST:          "file exists",
	EXDEV:           "invalid cross-device link",
	ENODEV:          "no such device",
	ENOTDIR:         "not a directory",
	EISDIR:          "is a directory",
	EINVAL:          "invalid argument",
	ENFILE:          "too many open files in system",
	EMFILE:          "too many open files",
	ENOTTY:          "inappropriate ioctl for device",
	ETXTBSY:         "text file busy",
	EFBIG:           "file too large",
	ENOSPC:          "no space left on device",
	ESPIPE:          "illegal seek",
	EROFS:           "read-only file system",
	EMLINK:          "too many links",
	EPIPE:           "broken pipe",
	EDOM:            "numerical argument out of domain",
	ERANGE:          "numerical result out of range",
	EDEADLK:         "resource deadlock avoided",
	ENAMETOOLONG:    "file name too long",
	ENOLCK:          "no locks available",
	ENOSYS:          "function not implemented",
	ENOTEMPTY:       "directory not empty",
	ELOOP:           "too many levels of symbolic links",
	ENOMSG:          "no message of desired type",
	EIDRM:           "identifier removed",
	ECHRNG:          "channel number out of range",
	EL2NSYNC:        "level 2 not synchronized",
	EL3HLT:          "level 3 halted",
	EL3RST:          "level 3 reset",
	ELNRNG:          "link number out of range",
	EUNATCH:         "protocol driver not attached",
	ENOCSI:          "no CSI structure available",
	EL2HLT:          "level 2 halted",
	EBADE:           "invalid exchange",
	EBADR:           "invalid request descriptor",
	EXFULL:          "exchange full",
	ENOANO:          "no anode",
	EBADRQC:         "invalid request code",
	EBADSLT:         "invalid slot",
	EBFONT:          "bad font file format",
	ENOSTR:          "device not a stream",
	ENODATA:         "no data available",
	ETIME:           "timer expired",
	ENOSR:           "out of streams resources",
	ENONET:          "machine is not on the network",
	ENOPKG:          "package not installed",
	EREMOTE:         "object is remote",
	ENOLINK:         "link has been severed",
	EADV:            "advertise error",
	ESRMNT:          "srmount error",
	ECOMM:           "communication error on send",
	EPROTO:          "protocol error",
	EMULTIHOP:       "multihop attempted",
	EDOTDOT:         "RFS specific error",
	EBADMSG:         "bad message",
	EOVERFLOW:       "value too large for defined data type",
	ENOTUNIQ:        "name not unique on network",
	EBADFD:          "file descriptor in bad state",
	EREMCHG:         "remote address changed",
	ELIBACC:         "can not access a needed shared library",
	ELIBBAD:         "accessing a corrupted shared library",
	ELIBSCN:         ".lib section in a.out corrupted",
	ELIBMAX:         "attempting to link in too many shared libraries",
	ELIBEXEC:        "cannot exec a shared library directly",
	EILSEQ:          "invalid or incomplete multibyte or wide character",
	ERESTART:        "interrupted system call should be restarted",
	ESTRPIPE:        "streams pipe error",
	EUSERS:          "too many users",
	ENOTSOCK:        "socket operation on non-socket",
	EDESTADDRREQ:    "destination address required",
	EMSGSIZE:        "message too long",
	EPROTOTYPE:      "protocol wrong type for socket",
	ENOPROTOOPT:     "protocol not available",
	EPROTONOSUPPORT: "protocol not supported",
	ESOCKTNOSUPPORT: "socket type not supported",
	ENOTSUP:         "operation not supported",
	EPFNOSUPPORT:    "protocol family not supported",
	EAFNOSUPPORT:    "address family not supported by protocol",
	EADDRINUSE:      "address already in use",
	EADDRNOTAVAIL:   "cannot assign requested address",
	ENETDOWN:        "network is down",
	ENETUNREACH:     "network is unreachable",
	ENETRESET:       "network dropped connection on reset",
	ECONNABORTED:    "software caused connection abort",
	ECONNRESET:      "connection reset by peer",
	ENOBUFS:         "no buffer space available",
	EISCONN:         "transport endpoint is already connected",
	ENOTCONN:        "transport endpoint is not connected",
	ESHUTDOWN:       "cannot send after transport endpoint shutdown",
	ETOOMANYREFS:    "too many references: cannot splice",
	ETIMEDOUT:       "connection timed out",
	ECONNREFUSED:    "connection refused",
	EHOSTDOWN:       "host is down",
	EHOSTUNREACH:    "no route to host",
	EALREADY:        "operation already in progress",
	EINPROGRESS:     "operation now in progress",
	ESTALE:          "stale file handle",
	EFSCORRUPTED:    "structure needs cleaning",
	ENOTNAM:         "not a XENIX named type file",
	ENAVAIL:         "no XENIX semaphores available",
	EISNAM:          "is a named type file",
	EREMOTEIO:       "remote I/O error",
	EDQUOT:          "disk quota exceeded",
	ENOMEDIUM:       "no medium found",
	EMEDIUMTYPE:     "wrong medium type",
	ECANCELED:       "operation canceled",
	ENOKEY:          "required key not available",
	EKEYEXPIRED:     "key has expired",
	EKEYREVOKED:     "key has been revoked",
	EKEYREJECTED:    "key was rejected by service",
	EOWNERDEAD:      "owner died",
	ENOTRECOVERABLE: "state not recoverable",
	ERFKILL:         "operation not possible due to RF-kill",
	EHWPOISON:       "memory page has hardware error",
}

// errnoName holds the symbolic name of each error number.
var errnoName = [...]string{
	EPERM:           "EPERM",
	ENOENT:          "ENOENT",
	ESRCH:           "ESRCH",
	EINTR:           "EINTR",
	EIO:             "EIO",
	ENXIO:           "ENXIO",
	E2BIG:           "E2BIG",
	ENOEXEC:         "ENOEXEC",
	EBADF:           "EBADF",
	ECHILD:          "ECHILD",
	EAGAIN:          "EAGAIN",
	ENOMEM:          "ENOMEM",
	EACCES:          "EACCES",
	EFAULT:          "EFAULT",
	ENOTBLK:         "ENOTBLK",
	EBUSY:           "EBUSY",
	EEXIST:          "EEXIST",
	EXDEV:           "EXDEV",
	ENODEV:          "ENODEV",
	ENOTDIR:         "ENOTDIR",
	EISDIR:          "EISDIR",
	EINVAL:          "EINVAL",
	ENFILE:          "ENFILE",
	EMFILE:          "EMFILE",
	ENOTTY:          "ENOTTY",
	ETXTBSY:         "ETXTBSY",
	EFBIG:           "EFBIG",
	ENOSPC:          "ENOSPC",
	ESPIPE:          "ESPIPE",
	EROFS:           "EROFS",
	EMLINK:          "EMLINK",
	EPIPE:           "EPIPE",
	EDOM:            "EDOM",
	ERANGE:          "ERANGE",
	EDEADLK:         "EDEADLK",
	ENAMETOOLONG:    "ENAMETOOLONG",
	ENOLCK:          "ENOLCK",
	ENOSYS:          "ENOSYS",
	ENOTEMPTY:       "ENOTEMPTY",
	ELOOP:           "ELOOP",
	ENOMSG:          "ENOMSG",
	EIDRM:           "EIDRM",
	ECHRNG:          "ECHRNG",
	EL2NSYNC:        "EL2NSYNC",
	EL3HLT:          "EL3HLT",
	EL3RST:          "EL3RST",
	ELNRNG:          "ELNRNG",
	EUNATCH:         "EUNATCH",
	ENOCSI:          "ENOCSI",
	EL2HLT:          "EL2HLT",
	EBADE:           "EBADE",
	EBADR:           "EBADR",
	EXFULL:          "EXFULL",
	ENOANO:          "ENOANO",
	EBADRQC:         "EBADRQC",
	EBADSLT:         "EBADSLT",
	EBFONT:          "EBFONT",
	ENOSTR:          "ENOSTR",
	ENODATA:         "ENODATA",
	ETIME:           "ETIME",
	ENOSR:           "ENOSR",
	ENONET:          "ENONET",
	ENOPKG:          "ENOPKG",
	EREMOTE:         "EREMOTE",
	ENOLINK:         "ENOLINK",
	EADV:            "EADV",
	ESRMNT:          "ESRMNT",
	ECOMM:           "ECOMM",
	EPROTO:          "EPROTO",
	EMULTIHOP:       "EMULTIHOP",
	EDOTDOT:         "EDOTDOT",
	EBADMSG:         "EBADMSG",
	EOVERFLOW:       "EOVERFLOW",
	ENOTUNIQ:        "ENOTUNIQ",
	EBADFD:          "EBADFD",
	EREMCHG:         "EREMCHG",
	ELIBACC:         "ELIBACC",
	ELIBBAD:         "ELIBBAD",
	ELIBSCN:         "ELIBSCN",
	ELIBMAX:         "ELIBMAX",
	ELIBEXEC:        "ELIBEXEC",
	EILSEQ:          "EILSEQ",
	ERESTART:        "ERESTART",
	ESTRPIPE:        "ESTRPIPE",
	EUSERS:          "EUSERS",
	ENOTSOCK:        "ENOTSOCK",
	EDESTADDRREQ:    "EDESTADDRREQ",
	EMSGSIZE:        "EMSGSIZE",
	EPROTOTYPE:      "EPROTOTYPE",
	ENOPROTOOPT:     "ENOPROTOOPT",
	EPROTONOSUPPORT: "EPROTONOSUPPORT",
	ESOCKTNOSUPPORT: "ESOCKTNOSUPPORT",
	ENOTSUP:         "ENOTSUP",
	EPFNOSUPPORT:    "EPFNOSUPPORT",
	EAFNOSUPPORT:    "EAFNOSUPPORT",
	EADDRINUSE:      "EADDRINUSE",
	EADDRNOTAVAIL:   "EADDRNOTAVAIL",
	ENETDOWN:        "ENETDOWN",
	ENETUNREACH:     "ENETUNREACH",
	ENETRESET:       "ENETRESET",
	ECONNABORTED:    "ECONNABORTED",
	ECONNRESET:      "ECONNRESET",
	ENOBUFS:         "ENOBUFS",
	EISCONN:         "EISCONN",
	ENOTCONN:        "ENOTCONN",
	ESHUTDOWN:       "ESHUTDOWN",
	ETOOMANYREFS:    "ETOOMANYREFS",
	ETIMEDOUT:       "ETIMEDOUT",
	ECONNREFUSED:    "ECONNREFUSED",
	EHOSTDOWN:       "EHOSTDOWN",
	EHOSTUNREACH:    "EHOSTUNREACH",
	EALREADY:        "EALREADY",
	EINPROGRESS:     "EINPROGRESS",
	ESTALE:          "ESTALE",
	EFSCORRUPTED:    "EFSCORRUPTED",
	ENOTNAM:         "ENOTNAM",
	ENAVAIL:         "ENAVAIL",
	EISNAM:          "EISNAM",
	EREMOTEIO:       "EREMOTEIO",
	EDQUOT:          "EDQUOT",
	ENOMEDIUM:       "ENOMEDIUM",
	EMEDIUMTYPE:     "EMEDIUMTYPE",
	ECANCELED:       "ECANCELED",
	ENOKEY:          "ENOKEY",
	EKEYEXPIRED:     "EKEYEXPIRED",
	EKEYREVOKED:     "EKEYREVOKED",
	EKEYREJECTED:    "EKEYREJECTED",
	EOWNERDEAD:      "EOWNERDEAD",
	ENOTRECOVERABLE: "ENOTRECOVERABLE",
	ERFKILL:         "ERFKILL",
	EHWPOISON:       "EHWPOISON",
}
