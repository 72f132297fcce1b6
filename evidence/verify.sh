#!/usr/bin/env bash
# Checks an unpacked LiveWitness evidence package with bash, openssl and coreutils alone. No network.
#
#   bash verify.sh PUBLIC_KEYS.pem [TSA_CA.pem] [LIMIT_SECONDS]
#
# PUBLIC_KEYS.pem and TSA_CA.pem must come from outside this package: from the recorder's publication, from the
# time-stamping authority. Compare this script, too, with the one published by the project before you trust it.
#
# Exit: 0 everything holds; 1 something does not (file and reason are named); 2 wrong usage;
#       4 nothing contradicts, but tokens could not be checked because no TSA_CA.pem was given.
# Not checked here, for it needs a media program: that the clip's frames are those of the segments.
set -u -o pipefail
shopt -s globstar dotglob nullglob
export LC_ALL=C PATH="${PATH:-/usr/local/bin:/usr/bin:/bin}"

(($# >= 1 && $# <= 3)) && [[ -r $1 ]] || { echo "usage: bash verify.sh PUBLIC_KEYS.pem [TSA_CA.pem] [LIMIT_SECONDS]" >&2; exit 2; }
keys=$(realpath "$1") ca=${2:+$(realpath "$2")} limit=${3:-300}
[[ -z $ca || -r $ca ]] && [[ $limit =~ ^[0-9]+$ ]] || { echo "usage: TSA_CA.pem must be readable, LIMIT_SECONDS a number" >&2; exit 2; }
cd "$(dirname "$(realpath "$0")")" || exit 2
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
for file in "${!listed[@]}"; do
  [[ -f $file ]] || refuse "$file" "is missing"
  sha "$file"; [[ $H == "${listed[$file]}" ]] || refuse "$file" "its content was changed"
done

# --- 3. The seal over the list ---------------------------------------------------------------------------------------
mapfile -t seal <SEAL
[[ ${#seal[@]} -eq 5 && ${seal[0]} == livewitness/package/v1 && ${seal[1]} =~ ^sums\ $hex$ && ${seal[2]} =~ ^stamp\ ($hex|-)$ \
  && ${seal[3]} =~ ^time\ $stamp$ && ${seal[4]} =~ ^key\ [0-9a-f]{16}$ ]] || refuse SEAL "is not in its form"
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
while read -r first second rest; do proofs[$first-$second]=$rest; done <log/consistency.txt
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
origin= size=0 root= time= sizes=() times=()
for file in log/checkpoints/*.txt; do
  mapfile -t c <"$file"
  [[ ${#c[@]} -eq 7 && ${c[0]} == livewitness/checkpoint/v1 && ${c[1]} =~ ^origin\ [^\ ]+$ && ${c[2]} =~ ^size\ [1-9][0-9]{0,11}$ \
    && ${c[3]} =~ ^root\ $hex$ && ${c[4]} =~ ^time\ $stamp$ && ${c[5]} =~ ^audit\ [0-9]+\ $hex$ && ${c[6]} =~ ^key\ [0-9a-f]{16}$ ]] \
    || refuse "$file" "is not in its form"
  token=${file%.txt}.tsr T=
  if [[ $ca && -f $token ]]; then stamped "$file" "$token"; elif [[ -f $token ]]; then unchecked=1; fi
  signed "$file" "${file%.txt}.sig" "${c[6]#key }" "${c[4]#time }" "$T"
  [[ ! $origin || ${c[1]} == "$origin" ]] || refuse "$file" "belongs to another log"
  (($size < ${c[2]#size })) || refuse "$file" "is not larger than the one before: one size, one root"
  [[ ! $time || ! ${c[4]} < $time ]] || refuse "$file" "is older than the one before"
  ((size == 0)) || consistent "$size" "$root" "${c[2]#size }" "${c[3]#root }" || refuse "$file" "does not continue the log of the one before"
  origin=${c[1]} size=${c[2]#size } root=${c[3]#root } time=${c[4]} sizes+=("$size") times+=("$T")
done
((size)) || refuse log/checkpoints "holds no checkpoint"

# --- 5. Leaves: in the tree (RFC 9162, 2.1.3.2), without a hole, each segment with its file and in time ---------------
mapfile -t lines <log/leaves.jsonl
mapfile -t paths <log/inclusion.txt
((${#lines[@]} == ${#paths[@]})) || refuse log/inclusion.txt "does not fit log/leaves.jsonl"
form='^\{"bytes":([0-9]+),"end_ms":[0-9]+,"epoch":[0-9]+,"file":"([0-9]+/[0-9]+\.[a-z]+)","how":"(recorded|received)","index":([0-9]+),"kind":"segment","late":(true|false),"logged":"('$stamp')","pts_end_ms":[0-9]+,"pts_start_ms":[0-9]+,"sequence":([0-9]+),"sha256":"('$hex')","start_ms":[0-9]+,"time":"('$stamp')"\}$'
segments=0 received=0 previous= expected= skip=
declare -A named=()
for ((i = 0; i < ${#lines[@]}; i++)); do
  line=${lines[i]}
  read -ra path <<<"${paths[i]}"
  index=${path[0]} n=${path[0]} last=$((size - 1))
  [[ $index =~ ^[0-9]{1,12}$ ]] && ((index < size)) || refuse log/inclusion.txt "names a leaf outside the log"
  [[ $line =~ \"index\":([0-9]+)[,}] && ${BASH_REMATCH[1]} == "$index" ]] || refuse log/leaves.jsonl "leaf $index has another index"
  N=$({ printf '\0'; printf '%s' "$line"; } | sha256sum) N=${N%% *}
  ((i)) || { ((index == 0)) && [[ $origin == */${N:0:16} ]] || refuse log/leaves.jsonl "its first leaf is not that of the log named"; }
  for c in "${path[@]:1}"; do
    [[ $c =~ ^$hex$ ]] && ((last)) || refuse log/inclusion.txt "the proof of leaf $index is not in its form"
    if ((n & 1 || n == last)); then
      node "$c" "$N"
      while ((!(n & 1) && n)); do ((n >>= 1, last >>= 1)); done
    else
      node "$N" "$c"
    fi
    ((n >>= 1, last >>= 1))
  done
  ((last == 0)) && [[ $N == "$root" ]] || refuse log/leaves.jsonl "leaf $index is not in the log that was signed"
  ((segments == 0 || index == previous + 1)) || refuse log/leaves.jsonl "leaves between $previous and $index are missing"
  previous=$index
  [[ $line =~ ^\{\"first\":([0-9]+),\"index\":[0-9]+,\"kind\":\"skip\",\"last\":([0-9]+), ]] && skip="${BASH_REMATCH[1]} $((BASH_REMATCH[2] + 1))"
  [[ $line == *'"kind":"segment"'* ]] || continue
  [[ $line =~ $form ]] || refuse log/leaves.jsonl "leaf $index is not in its form"
  bytes=${BASH_REMATCH[1]} file=segments/${BASH_REMATCH[2]} how=${BASH_REMATCH[3]} sequence=${BASH_REMATCH[7]} sum=${BASH_REMATCH[8]} begun=${BASH_REMATCH[9]}
  [[ ! $expected || $sequence == "$expected" || $skip == "$expected $sequence" ]] || refuse log/leaves.jsonl "segment $expected is missing before $sequence"
  expected=$((sequence + 1)) skip=
  [[ ${listed[$file]:-} == "$sum" ]] || refuse "$file" "is not the segment that the log fixed"
  (($(stat -c %s "$file") == bytes)) || refuse "$file" "has another size than the log says"
  named[$file]=1
  ((++segments))
  [[ $how == recorded ]] || ((++received))
  if [[ $ca ]]; then
    T=
    for ((k = 0; k < ${#sizes[@]}; k++)); do ((sizes[k] > index)) && [[ ${times[k]} ]] && { T=${times[k]}; break; }; done
    [[ $T ]] || refuse "$file" "no time-stamped checkpoint covers it"
    delay=$((T - $(epoch "$begun" log/leaves.jsonl)))
    ((delay <= limit)) || refuse "$file" "was fixed $delay s after it began; the limit is $limit s"
    ((delay >= -5)) || refuse "$file" "is said to have begun $((-delay)) s after it was fixed"
  fi
done
((segments)) || refuse log/leaves.jsonl "names no segment"
for file in segments/**/*; do [[ -d $file || ${named[$file]:-} ]] || refuse "$file" "is not in the log"; done

echo "HOLDS: ${#listed[@]} files, $segments segments ($received of them received from elsewhere), ${#sizes[@]} checkpoints, log ${origin#origin }"
echo "NOT CHECKED HERE: that the frames of the clip are those of the segments (livewitness verify does)"
[[ $ca ]] || echo "NOT CHECKED: time by an authority; without TSA_CA.pem only the recorder's own clock speaks"
((unchecked == 0)) || exit 4
