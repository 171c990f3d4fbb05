# Reads `objdump -d -r -C --no-show-raw-insn` of one object and prints every instruction that is not known to be free of
# floating-point arithmetic: "OBJECT: FUNCTION: INSTRUCTION". Then "#counts FUNCTIONS INSTRUCTIONS".
#
# Instructions are allowed by name, not forbidden: integer arithmetic, and moves, shuffles and bit operations whatever
# type their names speak of. A name that is on no list is a finding, so that no instruction slips through for being new.
# So are calls of libm, of the compiler's floating-point helpers and of anything with float or double among its
# parameters.
#
# Variables: object, architecture ("x86-64", "aarch64" or "riscv64").

function words(list, set, parts, count, i) {
  count = split(list, parts, /[ \n]+/)
  for (i = 1; i <= count; ++i)
    set[parts[i]] = 1
}

BEGIN {
  # x86-64, in AT&T's spelling.
  # General registers; a suffix b, w, l or q tells the operand's size. cmps and movs with one are strings'.
  words("adc adcx add adox and andn bextr blsi blsmsk blsr bsf bsr bswap bt btc btr bts bzhi call cbtw cltd " \
        "cltq cmp cmps cmpxchg cqto crc32 cwtd cwtl dec div idiv imul in inc int3 jmp lea leave lods lzcnt mov " \
        "movabs movbe movs mul mulx neg nop not or out pdep pext pop popcnt push rcl rcr ret rol ror rorx sahf " \
        "lahf sar sarx sbb scas shl shld shlx shr shrd shrx stos sub test tzcnt ud2 xadd xchg xor", x86_general)
  words("cpuid xgetbv rdtsc rdtscp endbr64 hlt pause lfence mfence sfence cmpxchg8b cmpxchg16b clflush " \
        "clflushopt prefetcht0 prefetcht1 prefetcht2 prefetchnta prefetchw", x86_whole)
  words("lock rep repz repnz notrack bnd data16 addr32 cs ds es fs gs ss {vex} {evex} xacquire xrelease", x86_prefix)

  # aarch64.
  words("adc adcs add adds adr adrp and ands asr asrv autiasp autibsp b bfc bfi bfxil bic bics bl blr br brk " \
        "bti cas casa casal casl cbnz cbz ccmn ccmp cinc cinv clrex cls clz cmn cmp cneg cnt crc32b crc32cb " \
        "crc32ch crc32cw crc32cx crc32h crc32w crc32x csdb csel cset csetm csinc csinv csneg dc dmb dsb eon eor " \
        "extr hint ic isb ldadd ldadda ldaddal ldaddl ldar ldarb ldarh ldaxp ldaxr ldaxrb ldaxrh ldp ldpsw ldr " \
        "ldrb ldrh ldrsb ldrsh ldrsw ldur ldurb ldurh ldursb ldursh ldursw ldxr ldxrb ldxrh lsl lslv lsr lsrv " \
        "madd mneg mov movk movn movz mrs msr msub mul mvn neg negs ngc ngcs nop orn orr paciasp pacibsp prfm " \
        "prfum rbit ret rev rev16 rev32 rev64 ror rorv sbc sbcs sbfiz sbfx sdiv smaddl smnegl smsubl smulh " \
        "smull stlr stlrb stlrh stlxr stlxrb stlxrh stp str strb strh stur sturb sturh stxr stxrb stxrh sub " \
        "subs svc swp swpa swpal swpl sxtb sxth sxtw tbnz tbz tst ubfiz ubfx udf udiv umaddl umnegl umsubl " \
        "umulh umull uxtb uxth uxtw xpaclri yield .word .short .byte .xword", arm)
  words("ld1 ld1r ld2 ld2r ld3 ld3r ld4 ld4r ldnp st1 st2 st3 st4 stnp dup movi mvni ins smov umov ext zip1 " \
        "zip2 uzp1 uzp2 trn1 trn2 tbl tbx xtn xtn2 sqxtn sqxtn2 sqxtun sqxtun2 uqxtn uqxtn2 sxtl sxtl2 uxtl " \
        "uxtl2 sshl ushl srshl urshl sqshl uqshl sqshlu sqrshl uqrshl shl sshr ushr srshr urshr ssra usra srsra " \
        "ursra sli sri shrn shrn2 rshrn rshrn2 sqshrn sqshrn2 sqrshrn sqrshrn2 sqshrun sqshrun2 sqrshrun " \
        "sqrshrun2 uqshrn uqshrn2 uqrshrn uqrshrn2 sshll sshll2 ushll ushll2 shll shll2 saddl saddl2 uaddl " \
        "uaddl2 saddw saddw2 uaddw uaddw2 ssubl ssubl2 usubl usubl2 ssubw ssubw2 usubw usubw2 addhn addhn2 " \
        "raddhn raddhn2 subhn subhn2 rsubhn rsubhn2 saddlp uaddlp sadalp uadalp saddlv uaddlv addv addp smax " \
        "smin umax umin smaxp sminp umaxp uminp smaxv sminv umaxv uminv shadd uhadd srhadd urhadd shsub uhsub " \
        "sqadd uqadd sqsub uqsub suqadd usqadd mla mls smlal smlal2 umlal umlal2 smlsl smlsl2 umlsl umlsl2 " \
        "smull2 umull2 sqdmulh sqrdmulh sqrdmlah sqrdmlsh sqdmull sqdmull2 sqdmlal sqdmlal2 sqdmlsl sqdmlsl2 " \
        "sdot udot usdot sudot smmla ummla usmmla cmeq cmge cmgt cmhi cmhs cmle cmlt cmtst bsl bit bif not abs " \
        "sqabs sqneg saba uaba sabd uabd sabal sabal2 uabal uabal2 sabdl sabdl2 uabdl uabdl2 pmul pmull pmull2 " \
        "eor3 bcax fmov", arm) # fmov copies bits

  # riscv64, RV64GC, with the shorthands that objdump prints. fld and its like move what registers hold, fmv copies
  # bits. amo... and lr, sc carry their size and order behind a dot.
  words("add addi addiw addw and andi auipc beq beqz bge bgeu bgez bgt bgtu bgtz ble bleu blez blt bltu bltz bne " \
        "bnez call div divu divuw divw ebreak ecall fence fence.i fld flw fsd fsw fmv.d fmv.d.x fmv.s fmv.w.x " \
        "fmv.x.d fmv.x.w j jal jalr jr la lb lbu ld lh lhu li lui lw lwu mul mulh mulhsu mulhu mulw mv neg negw nop " \
        "not or ori pause rdcycle rdtime rem remu remuw remw ret sb sd seqz sext.b sext.h sext.w sgtz sh sll slli " \
        "slliw sllw slt slti sltiu sltu sltz snez sra srai sraiw sraw srl srli srliw srlw sub subw sw tail unimp " \
        "xor xori zext.b zext.h zext.w .word .short .byte .dword .2byte .4byte", riscv)

  libm = "^(a?(sin|cos|tan)h?|atan2|sincos|exp|exp2|exp10|expm1|log|log2|log10|log1p|logb|ilogb|pow|sqrt|cbrt|hypot|" \
         "erfc?|[lt]?gamma|floor|ceil|trunc|l?l?rint|l?l?round|roundeven|nearbyint|fmod|remainder|remquo|fmax|fmin|" \
         "fma|fabs|fdim|copysign|nextafter|nexttoward|ldexp|scalbl?n|frexp|modf|strtod|strtold|atof)[fl]?$"
  helper = "^__(add|sub|mul|div|neg|cmp|eq|ne|lt|le|gt|ge|unord|pow)[hsdtx][fi][23]$|" \
           "^__(float|fix|extend|trunc).*[hsdtx]f"
}

function has_word(text, word) {
  return (" " text " ") ~ ("[^A-Za-z0-9_]" word "[^A-Za-z0-9_]")
}

function x86_allowed(name, base) {
  if (name in x86_general || name in x86_whole)
    return 1
  base = name
  if (sub(/[bwlq]$/, "", base) && base in x86_general)
    return 1
  if (name ~ /^(j|set|cmov)(n?[abglceopsz]|n?[abgl]e|pe|po|rcxz|ecxz)[bwlq]?$/ || name ~ /^nop[wlq]$/)
    return 1
  # Sign and zero extension: movsbl, movzwl, movslq.
  if (name ~ /^mov[sz][bwl][wlq]$/)
    return 1
  # Moves of vectors and their elements.
  if (name ~ /^v?mov([dqw]|dq[au](8|16|32|64)?|([auhl]|nt|msk)p[sd]|hlps|lhps|s[sdh]|ddup|s[hl]dup|ntdqa?)$/)
    return 1
  # Integer vectors: p..., vp..., vpermps and other shuffles included; not AMD's old pf... and pi2f... .
  if (name ~ /^v?p/ && name !~ /^(pf|pi2f)/)
    return 1
  # Bit operations and shuffles.
  if (name ~ /^v?(andn?|or|xor|shuf|unpck[hl]|blendv?|test|maskmov)p[sd]$/ || name ~ /^v(blendm|compress|expand)p[sd]$/)
    return 1
  if (name ~ /^vshuf[fi](32x4|64x2)$/ || name ~ /^vbroadcast(s[sd]|[fi](32x2|32x4|32x8|64x2|64x4|128))$/)
    return 1
  if (name ~ /^v(insert|extract)([fi](32x4|32x8|64x2|64x4|128)|ps)$/ || name ~ /^(insert|extract)ps$/)
    return 1
  if (name ~ /^v(gather|scatter)[dq]p[sd]$/ || name ~ /^valign[dq]$/ || name ~ /^(v?lddqu|vzeroupper|vzeroall)$/)
    return 1
  # Mask registers.
  return name ~ /^k(mov|and|andn|or|xor|xnor|not|add|test|ortest|shiftl|shiftr|unpck)(b|w|d|q|bw|wd|dq)$/
}

function arm_allowed(name) {
  return name in arm || name ~ /^b\.[a-z]+$/
}

function riscv_allowed(name) {
  return name in riscv || name ~ /^(amo(swap|add|and|or|xor|max|min|maxu|minu)|lr|sc)\.[wd](\.(aq|rl|aqrl))?$/
}

function allowed(name) {
  return architecture == "x86-64" ? x86_allowed(name) || (name in x86_prefix) : \
         architecture == "riscv64" ? riscv_allowed(name) : arm_allowed(name)
}

/^[0-9a-f]+ <.*>:$/ {
  current = $0
  sub(/^[0-9a-f]+ </, "", current)
  sub(/>:$/, "", current)
  ++functions
  next
}

# A relocation inside the code: "address: TYPE symbol+addend".
/^[ \t]+[0-9a-f]+: R_/ {
  symbol = $0
  sub(/^[ \t]+[0-9a-f]+: R_[A-Z0-9_]+[ \t]+/, "", symbol)
  sub(/[-+]0x[0-9a-f]+$/, "", symbol)
  real = symbol ~ /\(.*\)/ && (has_word(symbol, "float") || has_word(symbol, "double"))
  if (symbol ~ libm || symbol ~ helper || real)
    print object ": " current ": refers to " symbol
  next
}

/^[ \t]*[0-9a-f]+:\t/ {
  text = $0
  sub(/^[ \t]*[0-9a-f]+:\t/, "", text)
  gsub(/[ \t]+/, " ", text)
  sub(/ $/, "", text)
  if (text == "")
    next
  ++instructions
  count = split(text, part, " ")
  i = 1
  if (architecture == "x86-64")
    while (i < count && (part[i] in x86_prefix || part[i] ~ /^rex/))
      ++i
  if (!allowed(part[i]))
    print object ": " current ": " text
}

END { print "#counts " functions + 0 " " instructions + 0 }
