# From what QEMU, or another CPU, starts to Rust: protected mode, long mode, a stack.

# PVH: the loader finds the address of the 32-bit entry here.
.section .note.Xen, "a", @note
.balign 4
    .long 4, 8, 18              # bytes of the name and of what follows, PHYS32_ENTRY
    .asciz "Xen"
    .quad pvh_start

.section .boot, "ax"
.code32
.globl pvh_start
pvh_start:
    cli
    mov %ebx, %edi              # the start info: the first argument of `start`
enter_long_mode:
    mov $level_4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x620, %eax             # PAE; SSE, which code for the host's target uses
    mov %eax, %cr4
    mov $0xc0000080, %ecx
    rdmsr
    or $0x100, %eax             # long mode
    wrmsr
    mov %cr0, %eax
    and $0xfffffffb, %eax       # no emulated FPU
    or $0x80000003, %eax        # paging, protection, and `wait` that knows of the FPU
    mov %eax, %cr0
    lgdt boot_gdt_pointer
    ljmp $0x08, $in_long_mode

.code64
in_long_mode:
    mov $0x10, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %edi, %edi              # no upper half
    mov $1, %eax
    cpuid
    shr $24, %ebx               # the APIC id: the number of the CPU
    cmp $8, %ebx
    jae 1f
    mov %ebx, %esi              # the second argument
    inc %ebx
    shl $16, %rbx
    lea stacks(%rbx), %rsp      # stacks grow down
    xor %ebp, %ebp
    call start
1:  hlt
    jmp 1b

# Other CPUs start here, in real mode, in a copy of these bytes below 1 MiB: see `apic.rs`.
.code16
.globl trampoline
trampoline:
    cli
    xor %ax, %ax
    mov %ax, %ds
    lgdtl TRAMPOLINE + (trampoline_gdt_pointer - trampoline)
    mov %cr0, %eax
    or $1, %eax
    mov %eax, %cr0
    ljmpl $0x18, $in_protected_mode
trampoline_gdt_pointer:
    .word 4 * 8 - 1
    .long boot_gdt
.globl trampoline_end
trampoline_end:

.code32
in_protected_mode:
    mov $0x10, %eax
    mov %eax, %ds
    xor %edi, %edi              # no start info
    jmp enter_long_mode

# Interrupts come on a stack of their own: code for the host's target has a red zone.
.code64
.globl timer_entry
timer_entry:
    cld
    push %rax
    push %rcx
    push %rdx
    push %rsi
    push %rdi
    push %r8
    push %r9
    push %r10
    push %r11
    sub $512, %rsp
    fxsave64 (%rsp)
    call timer
    fxrstor64 (%rsp)
    add $512, %rsp
    pop %r11
    pop %r10
    pop %r9
    pop %r8
    pop %rdi
    pop %rsi
    pop %rdx
    pop %rcx
    pop %rax
    iretq

# Every exception ends the kernel. What lies on top of the stack says which it was.
.globl fault_entry
fault_entry:
    mov (%rsp), %rdi
    mov 8(%rsp), %rsi
    mov %cr2, %rdx
    and $-16, %rsp
    call fault

.section .data.boot, "aw"
# Physical addresses are their own virtual ones up to 1 GiB, and where the local APIC is.
.balign 4096
level_4:
    .quad level_3 + 3
    .fill 511, 8, 0
level_3:
    .quad low_gib + 3, 0, 0, high_gib + 3
    .fill 508, 8, 0
low_gib:
    .set frame, 0
    .rept 512
    .quad frame + 0x83
    .set frame, frame + 0x200000
    .endr
high_gib:
    .fill 503, 8, 0
    .quad 0xfee00000 + 0x9b     # not cached
    .fill 8, 8, 0

boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff    # 0x08: 64-bit code
    .quad 0x00cf93000000ffff    # 0x10: data
    .quad 0x00cf9b000000ffff    # 0x18: 32-bit code
boot_gdt_pointer:
    .word 4 * 8 - 1
    .long boot_gdt

.section .bss.stacks, "aw", @nobits
.balign 4096
stacks:
    .fill 8 << 16, 1, 0
.globl interrupt_stacks
interrupt_stacks:
    .fill 8 << 14, 1, 0
.text
