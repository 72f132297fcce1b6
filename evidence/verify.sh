#!/usr/bin/env bash
# Checks an unpacked LiveWitness evidence package with bash, openssl and coreutils alone. No network.
# In a case it checks the case and then, with itself, every package in exhibits/, which it takes apart in a temporary folder.
#
#   bash verify.sh PUBLIC_KEYS.pem [TSA_CA.pem] [LIMIT_SECONDS] [FOLDER]
#
# PUBLIC_KEYS.pem and TSA_CA.pem must come from outside this package: from the recorder's publication, from the
# time-stamping authority. Compare this script, too, with the one published by the project before you trust it, or run
# the published one on FOLDER, where the package is unpacked (by default the folder of this script).
#
# Exit: 0 everything holds; 1 something does not (file and reason are named); 2 wrong usage;
#       4 nothing contradicts, but tokens could not be checked because no TSA_CA.pem was given.
# Not checked here, for it needs a media program: that the clip's frames are those of the segments.
set -u -o pipefail
shopt -s globstar dotglob nullglob
export LC_ALL=C PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"

(($# >= 1 && $# <= 4)) && [[ -r $1 ]] || { echo "usage: bash verify.sh PUBLIC_KEYS.pem [TSA_CA.pem] [LIMIT_SECONDS] [FOLDER]" >&2; exit 2; }
keys=$(realpath "$1") ca=${2:+$(realpath "$2")} limit=${3:-300}
[[ -z $ca || -r $ca ]] && [[ $limit =~ ^[0-9]+$ ]] || { echo "usage: TSA_CA.pem must be readable, LIMIT_SECONDS a number" >&2; exit 2; }
self=$(realpath "$0")
cd "${4:-$(dirname "$(realpath "$0")")}" || exit 2
tmp=$(mktemp -d) || exit 2
trap 'rm -rf "$tmp"' EXIT

refuse() { printf 'REFUSED %s: %s\n' "$1" "$2" >&2; exit 1; }
sha() { local sum; sum=$(sha256sum "$1") || refuse "$1" "cannot be read"; H=${sum%% *}; }
epoch() { date -u -d "$1" +%s 2>/dev/null || refuse "$2" "is no time: $1"; }
hex='[0-9a-f]{64}' stamp='[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{12}Z'

# --- 1. Keys given from outside: each PEM block under the id that signatures name -----------------------------------
declare -A revoked=() ends=() begins=()
r=- a=- b=- block=
while IFS= read -r line || [[ $line ]]; do
  case $line in
    '# not-before '*) b=${line##* } ;; '# not-after '*) a=${line##* } ;; '# revoked '*) r=${line##* } ;;
    -----BEGIN*) block=$line$'\n' ;;
    -----END*)
      printf '%s%s\n' "$block" "$line" >"$tmp/key"
      openssl pkey -pubin -in "$tmp/key" -outform DER -out "$tmp/der" 2>/dev/null || refuse "$keys" "holds no public key"
      sha "$tmp/der"; mv "$tmp/key" "$tmp/${H:0:16}.pem"
      begins[${H:0:16}]=$b ends[${H:0:16}]=$a revoked[${H:0:16}]=$r; r=- a=- b=- ;;
    *) block+=$line$'\n' ;;
  esac
done <"$keys"
((${#begins[@]})) || refuse "$keys" "holds no public key"

# signed FILE SIGNATURE KEY_ID TIME TOKEN_TIME: the signature holds, by a key that counted at that time
signed() {
  [[ ${begins[$3]:-} ]] || refuse "$1" "is signed by key $3, which is not among the keys given"
  openssl pkeyutl -verify -rawin -pubin -inkey "$tmp/$3.pem" -in "$1" -sigfile "$2" >/dev/null 2>&1 \
    || refuse "$1" "the signature does not hold"
  local when=${5:-$(epoch "$4" "$1")}
  [[ ${begins[$3]} == - ]] || ((when >= $(epoch "${begins[$3]}" "$keys"))) || refuse "$1" "was signed before its key was valid"
  [[ ${ends[$3]} == - ]] || ((when <= $(epoch "${ends[$3]}" "$keys") + limit)) || refuse "$1" "was signed after its key was rotated"
  [[ ${revoked[$3]} == - ]] || { [[ ${5:-} ]] && ((when < $(epoch "${revoked[$3]}" "$keys"))); } \
    || refuse "$1" "its key was revoked, and no token shows that it was signed before"
}

# stamped FILE TOKEN: the token is over this file, from the authority given; sets T to its time
stamped() {
  local line text
  text=$(openssl ts -reply -in "$2" -text 2>/dev/null) || refuse "$2" "is no time-stamp response"
  T=
  while IFS= read -r line; do [[ $line == "Time stamp: "* ]] && T=$(epoch "${line#Time stamp: }" "$2"); done <<<"$text"
  [[ $T ]] || refuse "$2" "holds no token"
  line=$(openssl ts -verify -data "$1" -in "$2" -CAfile "$ca" -attime "$T" 2>&1) || refuse "$2" "the token does not hold: ${line//$'\n'/ }"
}

# --- 2. Files: exactly those listed, plain, with the hashes listed --------------------------------------------------
[[ -f SHA256SUMS && -f SEAL && -f SEAL.sig ]] || refuse SHA256SUMS "or SEAL or SEAL.sig is missing"
declare -A listed=()
while IFS= read -r line || [[ $line ]]; do
  [[ $line =~ ^($hex)\ \ ([A-Za-z0-9_][A-Za-z0-9._/-]*)$ && $line != *..* ]] || refuse SHA256SUMS "has a line that is not allowed"
  [[ ! ${listed[${BASH_REMATCH[2]}]:-} ]] || refuse SHA256SUMS "lists ${BASH_REMATCH[2]} twice"
  listed[${BASH_REMATCH[2]}]=${BASH_REMATCH[1]}
done <SHA256SUMS
for file in **; do
  [[ ! -L $file ]] || refuse "$file" "is a link"
  [[ -d $file ]] && continue
  case $file in SHA256SUMS|SHA256SUMS.tsr|SEAL|SEAL.sig) continue ;; esac
  [[ -f $file && ${listed[$file]:-} ]] || refuse "$file" "is not listed in SHA256SUMS"
done
sha256sum --check --strict --status SHA256SUMS 2>/dev/null || for file in "${!listed[@]}"; do
  [[ -f $file ]] || refuse "$file" "is missing"
  sha "$file"; [[ $H == "${listed[$file]}" ]] || refuse "$file" "its content was changed"
done

# --- 3. The seal over the list ---------------------------------------------------------------------------------------
mapfile -t seal <SEAL
[[ ${#seal[@]} -eq 5 && ${seal[0]} =~ ^livewitness/(package|masked|negative|case)/v1$ && ${seal[1]} =~ ^sums\ $hex$ && ${seal[2]} =~ ^stamp\ ($hex|-)$ \
  && ${seal[3]} =~ ^time\ $stamp$ && ${seal[4]} =~ ^key\ [0-9a-f]{16}$ ]] || refuse SEAL "is not in its form"
kind=${seal[0]#*/} kind=${kind%/*}
sha SHA256SUMS; [[ ${seal[1]} == "sums $H" ]] || refuse SHA256SUMS "is not the list that was signed"
T= unchecked=0
if [[ ${seal[2]} != "stamp -" ]]; then
  [[ -f SHA256SUMS.tsr ]] || refuse SHA256SUMS.tsr "is missing"
  sha SHA256SUMS.tsr; [[ ${seal[2]} == "stamp $H" ]] || refuse SHA256SUMS.tsr "is not the token that was signed"
  if [[ $ca ]]; then stamped SHA256SUMS SHA256SUMS.tsr; else unchecked=1; fi
else
  [[ ! -e SHA256SUMS.tsr ]] || refuse SHA256SUMS.tsr "is there although the seal says that there is none"
fi
signed SEAL SEAL.sig "${seal[4]#key }" "${seal[3]#time }" "$T"

# --- 4. Checkpoints: signed, stamped, each a continuation of the one before (RFC 9162, 2.1.4.2) ----------------------
declare -A nodes=() proofs=()
node() { # node LEFT RIGHT: sets N to the hash of an inner node
  N=${nodes[$1$2]:-}
  [[ $N ]] || { N=01$1$2; N=$(basenc --base16 --decode <<<"${N^^}" | sha256sum); N=${N%% *}; nodes[$1$2]=$N; }
}
consistent() { # consistent SIZE ROOT SIZE ROOT
  local -a path
  read -ra path <<<"${proofs[$1-$3]:-}"
  (($1 & ($1 - 1))) || path=("$2" "${path[@]}")
  local n=$(($1 - 1)) last=$(($3 - 1)) old new c
  ((${#path[@]})) || return 1
  while ((n & 1)); do ((n >>= 1, last >>= 1)); done
  old=${path[0]} new=${path[0]}
  for c in "${path[@]:1}"; do
    [[ $c =~ ^$hex$ ]] && ((last)) || return 1
    if ((n & 1 || n == last)); then
      node "$c" "$old"; old=$N; node "$c" "$new"; new=$N
      while ((!(n & 1) && n)); do ((n >>= 1, last >>= 1)); done
    else
      node "$new" "$c"; new=$N
    fi
    ((n >>= 1, last >>= 1))
  done
  ((last == 0)) && [[ $old == "$2" && $new == "$4" ]]
}
chain() { # chain FOLDER: checks its checkpoints; sets origin, size, root of the last one, and all sizes and token times
  local file token time= first second rest
  local -a c
  origin= size=0 root= sizes=() times=() proofs=()
  if [[ -f $1/consistency.txt ]]; then
    while read -r first second rest; do proofs[$first-$second]=$rest; done <"$1/consistency.txt"
  fi
  for file in "$1"/checkpoints/*.txt; do
    mapfile -t c <"$file"
    [[ ${#c[@]} -eq 7 && ${c[0]} == livewitness/checkpoint/v1 && ${c[1]} =~ ^origin\ [^\ ]+$ && ${c[2]} =~ ^size\ [1-9][0-9]{0,11}$ \
      && ${c[3]} =~ ^root\ $hex$ && ${c[4]} =~ ^time\ $stamp$ && ${c[5]} =~ ^audit\ [0-9]+\ $hex$ && ${c[6]} =~ ^key\ [0-9a-f]{16}$ ]] \
      || refuse "$file" "is not in its form"
    token=${file%.txt}.tsr T=
    if [[ $ca && -f $token ]]; then stamped "$file" "$token"; elif [[ -f $token ]]; then unchecked=1; fi
    signed "$file" "${file%.txt}.sig" "${c[6]#key }" "${c[4]#time }" "$T"
    [[ ! $origin || ${c[1]} == "origin $origin" ]] || refuse "$file" "belongs to another log"
    ((size < ${c[2]#size })) || refuse "$file" "is not larger than the one before: one size, one root"
    [[ ! $time || ! ${c[4]} < $time ]] || refuse "$file" "is older than the one before"
    ((size == 0)) || consistent "$size" "$root" "${c[2]#size }" "${c[3]#root }" || refuse "$file" "does not continue the log of the one before"
    origin=${c[1]#origin } size=${c[2]#size } root=${c[3]#root } time=${c[4]} sizes+=("$size") times+=("$T")
  done
  ((size)) || refuse "$1/checkpoints" "holds no checkpoint"
  checkpoints+=("${sizes[@]}")
}

# --- 5. Leaves: hashes of all lines of a file, their place in the tree (RFC 9162, 2.1.3.2), their files and times -----
read_leaves() { # read_leaves FILE: sets lines, and hashes to their leaf hashes (one sha256sum for all of them)
  local i
  mapfile -t lines <"$1"
  hashes=()
  ((${#lines[@]})) || return 0
  rm -rf "$tmp/leaf"; mkdir "$tmp/leaf"
  for ((i = 0; i < ${#lines[@]}; i++)); do printf '\0%s' "${lines[i]}" >"$tmp/leaf/$((i + 1000000))"; done
  mapfile -t hashes < <(cd "$tmp/leaf" && sha256sum -- * | cut -c 1-64)
}
place() { # place FILE N: the index that line N of the file states; sets index
  [[ ${lines[$2]} =~ \"index\":([0-9]{1,12})[,}] ]] || refuse "$1" "line $(($2 + 1)) is not in its form"
  index=${BASH_REMATCH[1]}
}
included() { # included FILE N PROOF: line N is in the tree of the last checkpoint
  local -a path
  local n last=$((size - 1)) c
  read -ra path <<<"$3"
  place "$1" "$2"
  [[ ${path[0]:-} == "$index" ]] && ((index < size)) || refuse "$1" "leaf $index has another index"
  N=${hashes[$2]} n=$index
  for c in "${path[@]:1}"; do
    [[ $c =~ ^$hex$ ]] && ((last)) || refuse "$1" "the proof of leaf $index is not in its form"
    if ((n & 1 || n == last)); then
      node "$c" "$N"
      while ((!(n & 1) && n)); do ((n >>= 1, last >>= 1)); done
    else
      node "$N" "$c"
    fi
    ((n >>= 1, last >>= 1))
  done
  ((last == 0)) && [[ $N == "$root" ]] || refuse "$1" "leaf $index is not in the log that was signed"
}
in_time() { # in_time FILE INDEX TIME: the first token over it came at most the limit after that time
  local k delay
  [[ $ca ]] || return 0
  T=
  for ((k = 0; k < ${#sizes[@]}; k++)); do ((sizes[k] > $2)) && [[ ${times[k]} ]] && { T=${times[k]}; break; }; done
  [[ $T ]] || refuse "$1" "no time-stamped checkpoint covers it"
  delay=$((T - $(epoch "$3" log/leaves.jsonl)))
  ((delay <= limit)) || refuse "$1" "was fixed $delay s after it began; the limit is $limit s"
  ((delay >= -5)) || refuse "$1" "is said to have begun $((-delay)) s after it was fixed"
}
form='^\{"bytes":([0-9]+),"end_ms":([0-9]+),"epoch":[0-9]+,"file":"([0-9]+/[0-9]+\.[a-z]+)","how":"(recorded|received)","index":([0-9]+),"kind":"segment","late":(true|false),"logged":"('$stamp')","pts_end_ms":[0-9]+,"pts_start_ms":[0-9]+,"sequence":([0-9]+),"sha256":"('$hex')","start_ms":([0-9]+),"time":"('$stamp')"\}$'
skipped='^\{"first":([0-9]+),"index":[0-9]+,"kind":"skip","last":([0-9]+),'
taken='^\{"bytes":([0-9]+),"file":"((received/[0-9a-f]{32}[.a-z0-9]*)?)","giver":.*,"how":"received","index":[0-9]+,"kind":"received","logged":"'$stamp'","name":.*,"sha256":"('$hex')","time":"('$stamp')","what":"[a-z]+"\}$'
declare -A named=()
segments=0 received=0 held=0 expected=
segment() { # segment FILE N: line N is a segment's leaf with the next number; in a package its file is there and in time
  local bytes file how sequence sum begun
  [[ ${lines[$2]} =~ $form ]] || refuse "$1" "leaf $index is not in its form"
  bytes=${BASH_REMATCH[1]} file=segments/${BASH_REMATCH[3]} how=${BASH_REMATCH[4]} sequence=${BASH_REMATCH[8]} sum=${BASH_REMATCH[9]} begun=${BASH_REMATCH[11]}
  ((held += BASH_REMATCH[2] - BASH_REMATCH[10]))
  [[ ! $expected || $sequence == "$expected" || $skip == "$expected $sequence" ]] || refuse "$1" "segment $expected is missing before $sequence"
  expected=$((sequence + 1)) skip=
  ((++segments))
  [[ $how == recorded ]] || ((++received))
  case $kind in
    package)
      [[ ${listed[$file]:-} == "$sum" ]] || refuse "$file" "is not the segment that the log fixed"
      (($(stat -c %s "$file") == bytes)) || refuse "$file" "has another size than the log says" ;;
    *) [[ ! ${listed[$file]:-} ]] || refuse "$file" "does not belong into this kind of package" ;;
  esac
  named[$file]=1
  [[ $kind == negative ]] || in_time "$file" "$index" "$begun"
}
stretch() { # the leaves of a stretch: the log's first, the session, then all from the first to the last segment
  local i previous= skip=
  local -a paths
  chain log
  read_leaves log/leaves.jsonl
  mapfile -t paths <log/inclusion.txt
  ((${#lines[@]} == ${#paths[@]})) || refuse log/inclusion.txt "does not fit log/leaves.jsonl"
  for ((i = 0; i < ${#lines[@]}; i++)); do
    included log/leaves.jsonl "$i" "${paths[i]}"
    ((i)) || { ((index == 0)) && [[ $origin == */${hashes[0]:0:16} ]] || refuse log/leaves.jsonl "its first leaf is not that of the log named"; }
    ((segments == 0 || index == previous + 1)) || refuse log/leaves.jsonl "leaves between $previous and $index are missing"
    previous=$index
    [[ ${lines[i]} =~ $skipped ]] && skip="${BASH_REMATCH[1]} $((BASH_REMATCH[2] + 1))"
    [[ ${lines[i]} != *'"kind":"segment"'* ]] || segment log/leaves.jsonl "$i"
  done
  ((segments)) || refuse log/leaves.jsonl "names no segment"
}
foreign() { # files from elsewhere, each with its leaf
  local i file
  local -a paths
  if [[ -f log/received.jsonl ]]; then
    read_leaves log/received.jsonl
    mapfile -t paths <log/received.txt
    ((${#lines[@]} == ${#paths[@]})) || refuse log/received.txt "does not fit log/received.jsonl"
    for ((i = 0; i < ${#lines[@]}; i++)); do
      included log/received.jsonl "$i" "${paths[i]}"
      [[ ${lines[i]} =~ $taken ]] || refuse log/received.jsonl "leaf $index is not in its form"
      file=${BASH_REMATCH[2]}
      [[ ! $file || ${listed[$file]:-} == "${BASH_REMATCH[4]}" ]] || refuse "$file" "is not the file that the log fixed"
      [[ ! $file ]] || { named[$file]=1; in_time "$file" "$index" "${BASH_REMATCH[5]}"; }
    done
  fi
  for file in segments/**/* received/**/*; do [[ -d $file || ${named[$file]:-} ]] || refuse "$file" "is not in the log"; done
}
bindings() { # of a masked edition: each file is bound to its original
  local promise sum file rest
  [[ -f masking/bindings.txt ]] || refuse masking/bindings.txt "is missing"
  while read -r promise sum file rest; do
    [[ $promise =~ ^$hex$ && $sum =~ ^($hex|-)$ && $file && ! $rest ]] || refuse masking/bindings.txt "is not in its form"
    [[ ${listed[$file]:--} == "$sum" ]] || refuse "$file" "is not the masked file that is bound"
    named[$file]=1
  done <masking/bindings.txt
  for file in "${!listed[@]}"; do
    case $file in log/*|export/*|masking/bindings.txt|verify.sh) continue ;; esac
    [[ ${named[$file]:-} && $file != segments/* ]] || refuse "$file" "is bound to no original"
  done
}
whole_log() { # whole_log FOLDER: all its leaves, without a hole, give the root that was signed
  local i skip=
  chain "$1"
  read_leaves "$1/leaves.jsonl"
  ((${#lines[@]} == size)) || refuse "$1/leaves.jsonl" "has ${#lines[@]} leaves, $size were signed"
  [[ $origin == */${hashes[0]:0:16} ]] || refuse "$1/leaves.jsonl" "its first leaf is not that of the log named"
  expected=
  for ((i = 0; i < size; i++)); do
    place "$1/leaves.jsonl" "$i"
    ((index == i)) || refuse "$1/leaves.jsonl" "leaf $i has another index"
    [[ ${lines[i]} =~ $skipped ]] && skip="${BASH_REMATCH[1]} $((BASH_REMATCH[2] + 1))"
    [[ ${lines[i]} != *'"kind":"gap"'* ]] || ((++gaps))
    [[ ${lines[i]} != *'"kind":"segment"'* ]] || segment "$1/leaves.jsonl" "$i"
  done
  while ((${#hashes[@]} > 1)); do
    rm -rf "$tmp/node"; mkdir "$tmp/node"
    local text= odd=
    for ((i = 0; i + 1 < ${#hashes[@]}; i += 2)); do text+=01${hashes[i]}${hashes[i + 1]}; done
    ((i < ${#hashes[@]})) && odd=${hashes[i]}
    basenc --base16 --decode <<<"${text^^}" | split -b 65 -a 7 -d - "$tmp/node/"
    mapfile -t hashes < <(cd "$tmp/node" && sha256sum -- * | cut -c 1-64)
    [[ ! $odd ]] || hashes+=("$odd")
  done
  [[ ${hashes[0]} == "$root" ]] || refuse "$1/leaves.jsonl" "is not the log that was signed"
}


# --- 6. A case: the files that it lists and no others; each package inside is taken apart and checked ----------------
number() { # number PLACE BYTES: sets R to the little-endian number at that place of the header h
  local i
  R=0
  for ((i = $2 - 1; i >= 0; i--)); do R=$((R << 8 | h[$1 + i])); done
}
header() { # header FILE POSITION BYTES: sets h to these bytes
  read -ra h < <(od -An -v -t u1 -w"$3" -j "$2" -N "$3" "$1")
  ((${#h[@]} == $3)) || refuse "$1" "is cut off"
}
unpack() { # unpack FILE FOLDER: a container of stored files in its one form (docs/evidence.md); anything else is refused
  local at=0 start total size length name i
  local -a h names=() sizes=() sums=() places=()
  local form=' is not in the form of a package'
  total=$(stat -c %s "$1")
  while header "$1" "$at" 30; [[ ${h[*]:0:4} == "80 75 3 4" ]]; do
    [[ ${h[*]:6:4} == "0 0 0 0" && ${h[*]:18:4} == "${h[*]:22:4}" && ${h[*]:28:2} == "0 0" ]] || refuse "$1" "$form"
    number 26 2; length=$R
    number 22 4; size=$R
    name=$(tail -c +$((at + 31)) "$1" | head -c "$length" | tr -d '\0')
    [[ ${#name} -eq $length && $name =~ ^[A-Za-z0-9_][A-Za-z0-9._/-]*$ && $name != *..* && $name != */ && ! -e $2/$name ]] || refuse "$1" "$form"
    names+=("$name") sizes+=("$size") sums+=("${h[*]:14:4}") places+=("$at")
    mkdir -p "$(dirname "$2/$name")" || refuse "$1" "$form"
    tail -c +$((at + 31 + length)) "$1" | head -c "$size" >"$2/$name"
    (($(stat -c %s "$2/$name") == size)) || refuse "$1" "is cut off"
    ((at += 30 + length + size))
  done
  start=$at
  for ((i = 0; i < ${#names[@]}; i++)); do
    header "$1" "$at" 46
    [[ ${h[*]:0:4} == "80 75 1 2" && ${h[*]:8:4} == "0 0 0 0" && ${h[*]:16:4} == "${sums[i]}" && ${h[*]:20:4} == "${h[*]:24:4}" && ${h[*]:30:4} == "0 0 0 0" ]] || refuse "$1" "$form"
    number 24 4; ((R == sizes[i])) || refuse "$1" "$form"
    number 42 4; ((R == places[i])) || refuse "$1" "$form"
    number 28 2; length=$R
    name=$(tail -c +$((at + 47)) "$1" | head -c "$length" | tr -d '\0')
    [[ $name == "${names[i]}" ]] || refuse "$1" "$form"
    ((at += 46 + length))
  done
  header "$1" "$at" 22
  number 10 2; ((R == ${#names[@]})) || refuse "$1" "$form"
  number 16 4; ((R == start && at + 22 == total)) || refuse "$1" "$form"
  [[ ${h[*]:0:4} == "80 75 5 6" ]] || refuse "$1" "$form"
}
exhibits() { # what case.json lists: sets packages to those that are packages of their own, files to how many files there are
  local line file= type=
  declare -gA inside=()
  packages=() files=0 words=0
  [[ -f case.json && -f history.jsonl ]] || refuse case.json "or history.jsonl is missing"
  while IFS= read -r line; do
    case $line in
      '   "file": "'*) [[ $line =~ ^\ \ \ \"file\":\ \"(exhibits/[A-Za-z0-9._-]+)?\",$ ]] || refuse case.json "lists a file outside exhibits/"
        file=${BASH_REMATCH[1]} ;;
      '   "kind": "'*) [[ $line =~ ^\ \ \ \"kind\":\ \"([a-z]+)\",$ ]] || refuse case.json "is not in its form"
        type=${BASH_REMATCH[1]} ;;
      '   "sha256": "'*) [[ $line =~ ^\ \ \ \"sha256\":\ \"([0-9a-f]*)\",$ ]] || refuse case.json "is not in its form"
        [[ $type ]] || refuse case.json "is not in its form"
        if [[ $file ]]; then
          [[ ${listed[$file]:-} == "${BASH_REMATCH[1]}" ]] || refuse "$file" "is not the file that the case lists"
          inside[$file]=1; ((++files))
        else
          ((++words))
        fi
        case $type in package|negative) packages+=("$file") ;; esac
        file= type= ;;
    esac
  done <case.json
  for file in "${!listed[@]}"; do
    case $file in case.json|history.jsonl|report.zh.html|report.en.html|export/*|verify.sh) continue ;; esac
    [[ ${inside[$file]:-} ]] || refuse "$file" "does not belong into this kind of package"
  done
}
happened() { # entries of the audit chain, in their order
  local line before=-1
  while IFS= read -r line; do
    [[ $line =~ \"index\":([0-9]{1,12})[,}] ]] && ((BASH_REMATCH[1] > before)) || refuse history.jsonl "has an entry that is not in its form or place"
    before=${BASH_REMATCH[1]}
  done <history.jsonl
}
whole_case() { # every package of the case, by this script and with the same keys
  local file said status
  exhibits
  happened
  for file in "${packages[@]}"; do
    rm -rf "$tmp/inside"; mkdir "$tmp/inside"
    unpack "$file" "$tmp/inside"
    read -r said <"$tmp/inside/SEAL" 2>/dev/null && [[ $said != livewitness/case/* ]] || refuse "$file" "is no package, or a case within a case"
    said=$(bash "$self" "$keys" "$ca" "$limit" "$tmp/inside" 2>&1)
    status=$?
    ((status == 0 || status == 4)) || refuse "$file: ${said#REFUSED }" "so the case does not hold"
    ((status == 0)) || unchecked=1
    printf '%s: %s\n' "$file" "${said//$'\n'/$'\n'"$file: "}"
  done
  rm -rf "$tmp/inside"
}

checkpoints=() gaps=0
case $kind in
  case)
    whole_case
    echo "HOLDS, CASE: ${#listed[@]} files, $((files + words)) exhibits, ${#packages[@]} of them packages that hold each"
    echo "NOT CHECKED HERE: files that were received prove what was received, not that it is true" ;;
  package)
    stretch; foreign
    echo "HOLDS: ${#listed[@]} files, $segments segments ($received of them received from elsewhere), ${#checkpoints[@]} checkpoints, log $origin"
    echo "NOT CHECKED HERE: that the frames of the clip are those of the segments (livewitness verify does)" ;;
  masked)
    stretch; bindings
    echo "HOLDS, MASKED EDITION: ${#listed[@]} files; the $segments originals ($received received from elsewhere) are not inside, their proofs are; ${#checkpoints[@]} checkpoints, log $origin"
    echo "NOT CHECKED HERE: that the masked files show what the originals show; compare them with the unmasked edition" ;;
  negative)
    for folder in logs/*/; do whole_log "${folder%/}"; done
    for file in "${!listed[@]}"; do
      case $file in manifest.json|search/*.json|logs/*|export/*|report.*|verify.sh) ;; *) refuse "$file" "does not belong into this kind of package" ;; esac
    done
    echo "HOLDS, NEGATIVE RESULT: ${#listed[@]} files, ${#checkpoints[@]} logs with $((held / 1000)) s in $segments segments ($received received from elsewhere) and $gaps gaps"
    echo "NOT CHECKED HERE: the search itself; search/search.json says what was asked, by which models and index, and how near the best hits came" ;;
esac
[[ $ca ]] || echo "NOT CHECKED: time by an authority; without TSA_CA.pem only the recorder's own clock speaks"
((unchecked == 0)) || exit 4
