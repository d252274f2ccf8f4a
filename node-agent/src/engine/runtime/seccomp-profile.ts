/** System calls that a server may make. The rest answer EPERM; see `seccompProfile` for those with conditions. */
const allowed = `
accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod chown chown32 clock_adjtime clock_getres clock_getres_time64
clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat dup dup2 dup3
epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait epoll_wait_old eventfd eventfd2 execve execveat exit
exit_group faccessat faccessat2 fadvise64 fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat
fcntl fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs fstatfs64 fsync ftruncate
ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake futimesat getcpu getcwd getdents getdents64 getegid getegid32
geteuid geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid getpriority getrandom getresgid
getresgid32 getresuid getresuid32 getrlimit get_robust_list getrusage getsid getsockname getsockopt get_thread_area gettid gettimeofday getuid
getuid32 getxattr inotify_add_watch inotify_init inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents
io_pgetevents_time64 ioprio_get ioprio_set io_setup io_submit ipc kill landlock_add_rule landlock_create_ruleset landlock_restrict_self lchown
lchown32 lgetxattr link linkat listen listxattr llistxattr _llseek lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier
memfd_create memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr mq_notify mq_open
mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink mremap msgctl msgget msgrcv msgsnd msync munlock munlockall
munmap name_to_handle_at nanosleep newfstatat _newselect open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease process_vm_readv process_vm_writev pselect6
pselect6_time64 ptrace pwrite64 pwritev pwritev2 read readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg
remap_file_pages removexattr rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo
rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_getaffinity sched_getattr sched_getparam
sched_get_priority_max sched_get_priority_min sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64 sched_setaffinity
sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl semget semop semtimedop semtimedop_time64 send sendfile
sendfile64 sendmmsg sendmsg sendto setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32 setgroups setgroups32 setitimer setpgid setpriority
setregid setregid32 setresgid setresgid32 setresuid setresuid32 setreuid setreuid32 setrlimit set_robust_list setsid setsockopt set_thread_area
set_tid_address setuid setuid32 setxattr shmat shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn
socketcall socketpair splice stat stat64 statfs statfs64 statx symlink symlinkat sync sync_file_range syncfs sysinfo tee tgkill time
timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64 timerfd_create timerfd_gettime
timerfd_gettime64 timerfd_settime timerfd_settime64 times tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat utime utimensat
utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev arch_prctl modify_ldt arm_fadvise64_64 arm_sync_file_range
breakpoint cacheflush set_tls sync_file_range2
`
  .trim()
  .split(/\s+/);

const noSystemCall = 38;
/** Address families (socket(2)): the kernel's crypto interface and the hypervisor's sockets are left out. */
const deniedFamilies = [38, 40];
const highestFamily = 45;
/** Flags of clone(2) that make namespaces: nested ones can't be dumped, and are the way into much of the kernel. */
const namespaceFlags = 0x7e020000;
const newMounts = 0x00020000;
/** What unshare(2) makes beyond clone(2): clone has its exit signal there. */
const newTime = 0x80;
/** For init systems: services have mounts of their own, which CRIU dumps (criu/mount.c). */
const mounting = ["mount", "umount", "umount2", "pivot_root", "setns", "sethostname", "setdomainname"];
/** The new way to mount: libraries fall back to mount(2) where the kernel hasn't got it. */
const newMounting = ["open_tree", "move_mount", "mount_setattr", "fsopen", "fsconfig", "fsmount", "fspick"];
/** Persona values of personality(2) that are no risk. */
const personas = [0x0, 0x8, 0x20000, 0x20008, 0xffffffff];
/** Type byte of btrfs' own ioctls: subvolumes made inside would escape the volume's limit and its snapshots. */
const btrfsType = 0x94;
/** FICLONE, FICLONERANGE, FIDEDUPERANGE have the same type and only share extents. */
const sharingCalls = [0x40049409, 0x4020940d, 0xc0189436];
const wholeWord = 0xffffffff;

interface Condition {
  index: number;
  value: number;
  valueTwo?: number;
  op: "SCMP_CMP_EQ" | "SCMP_CMP_NE" | "SCMP_CMP_LT" | "SCMP_CMP_MASKED_EQ";
}

function allow(names: readonly string[], ...conditions: Condition[]) {
  return { names, action: "SCMP_ACT_ALLOW", ...(conditions.length === 0 ? {} : { args: conditions }) };
}

/** Several rules for one call are alternatives: any that fits lets it through. */
const socketRules = Array.from({ length: highestFamily + 1 }, (_, family) => family)
  .filter((family) => !deniedFamilies.includes(family))
  .map((family) => allow(["socket"], { index: 0, value: family, op: "SCMP_CMP_EQ" }));

const ioctlRules = [
  // A type other than btrfs' differs from it in at least one bit.
  ...Array.from({ length: 8 }, (_, bit) => {
    const mask = 1 << (bit + 8);
    return allow(["ioctl"], { index: 1, value: mask, valueTwo: ~(btrfsType << 8) & mask, op: "SCMP_CMP_MASKED_EQ" });
  }),
  ...sharingCalls.map((call) =>
    allow(["ioctl"], { index: 1, value: wholeWord, valueTwo: call, op: "SCMP_CMP_MASKED_EQ" }),
  ),
];

const architectures: Partial<Record<NodeJS.Architecture, string[]>> = {
  x64: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
  arm64: ["SCMP_ARCH_AARCH64", "SCMP_ARCH_ARM"],
};

/**
 * `linux.seccomp` of the OCI runtime specification. Left out on purpose: io_uring and nested namespaces (can't be dumped),
 * userfaultfd (hosts open it for lazy restores), keys, kexec, bpf, perf, modules, mounts, clocks, the new mount interface.
 */
export function seccompProfile({
  architecture = process.arch,
  mayMount = false,
}: { architecture?: NodeJS.Architecture; mayMount?: boolean } = {}) {
  const denied = mayMount ? namespaceFlags & ~newMounts : namespaceFlags;
  return {
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    architectures: architectures[architecture] ?? [],
    syscalls: [
      allow(allowed),
      allow(["chroot"]),
      allow(["clone"], { index: 0, value: denied, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }),
      ...(mayMount
        ? [
            allow(mounting),
            allow(["unshare"], { index: 0, value: denied | newTime, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }),
            { names: newMounting, action: "SCMP_ACT_ERRNO", errnoRet: noSystemCall },
          ]
        : []),
      ...personas.map((persona) => allow(["personality"], { index: 0, value: persona, op: "SCMP_CMP_EQ" })),
      ...socketRules,
      ...ioctlRules,
      // Its flags are in memory, where a filter can't look: libraries fall back to clone.
      { names: ["clone3"], action: "SCMP_ACT_ERRNO", errnoRet: noSystemCall },
      // Libraries try these first and fall back on ENOSYS only.
      {
        names: ["io_uring_setup", "io_uring_enter", "io_uring_register"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: noSystemCall,
      },
    ],
  };
}
