#!/bin/sh
# Prints one SCP03 session, both directions, made with the openssl command alone: sh make-transcript.sh 128|256
# Each line is "name = value", bytes in hexadecimal. README.md says what the lines are.
set -eu

bits=$1
bytes=$((bits / 8))

binary() { # hexadecimal on standard input, bytes on standard output
    tr -d ' \n' | fold -w 2 | while read -r pair || [ -n "$pair" ]; do
        # shellcheck disable=SC2059
        [ -z "$pair" ] || printf "\\$(printf '%03o' "0x$pair")"
    done
}
hex() { od -An -v -tx1 | tr -d ' \n' | tr a-f A-F; }
cmac() { # key, message
    printf %s "$2" | binary | openssl mac -cipher "AES-$((${#1} * 4))-CBC" -macopt "hexkey:$1" -in - CMAC |
        tr -d ' \n'
}
ecb() { printf %s "$2" | binary | openssl enc "-aes-$((${#1} * 4))-ecb" -K "$1" -nopad | hex; }
cbc() { printf %s "$3" | binary | openssl enc "-aes-$((${#1} * 4))-cbc" -K "$1" -iv "$2" -nopad | hex; }
first() { printf %s "$2" | cut -c "1-$(($1 * 2))"; }
say() { printf '%s = %s\n' "$1" "$2"; }

derive() { # key, constant, bits: the KDF of Amendment D, 4.1.5
    label="0000000000000000000000$2"
    wanted=$(printf '%04X' "$3")
    block=$(cmac "$1" "${label}00${wanted}01${context}")
    [ "$3" -le 128 ] || block=$block$(cmac "$1" "${label}00${wanted}02${context}")
    first $(($3 / 8)) "$block"
}
pad() { # 80, then 00 up to whole blocks
    padded=${1}80
    while [ $((${#padded} % 32)) -ne 0 ]; do padded=${padded}00; done
    printf %s "$padded"
}
length() { # number of bytes: one byte, or three where it does not fit
    if [ "$1" -le 255 ]; then printf '%02X' "$1"; else printf '00%04X' "$1"; fi
}

counter=0
chain=00000000000000000000000000000000
exchange() { # name, CLA INS P1 P2, body, answer's data, status
    counter=$((counter + 1))
    body=$3
    if [ -n "$body" ]; then
        iv=$(ecb "$s_enc" "$(printf '00%030X' "$counter")")
        body=$(cbc "$s_enc" "$iv" "$(pad "$body")")
    fi
    class=$(printf '%02X' $((0x$(first 1 "$2") | 4)))
    header=$class$(printf %s "$2" | cut -c 3-)
    chain=$(cmac "$s_mac" "$chain$header$(length $((${#body} / 2 + 8)))$body")
    say "$1.header" "$2"
    say "$1.body" "$3"
    say "$1.protected header" "$header"
    say "$1.protected body" "$body$(first 8 "$chain")"
    say "$1.answer" "$4"
    say "$1.status" "$5"
    case $5 in
    9000 | 62?? | 63??)
        data=$4
        if [ -n "$data" ]; then
            iv=$(ecb "$s_enc" "$(printf '80%030X' "$counter")")
            data=$(cbc "$s_enc" "$iv" "$(pad "$data")")
        fi
        say "$1.protected answer" "$data$(first 8 "$(cmac "$s_rmac" "$chain$data$5")")"
        ;;
    *) say "$1.protected answer" "" ;;
    esac
}
new_key() { # a key of PUT KEY: type, length, key length, key under the DEK, length of the check value, check value
    printf '88%02X%02X%s03%s' $((bytes + 1)) "$bytes" "$(cbc "$dek" 00000000000000000000000000000000 "$1")" \
        "$(first 3 "$(ecb "$1" 01010101010101010101010101010101)")"
}

enc=$(first "$bytes" 000102030405060708090A0B0C0D0E0FF0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF)
mac=$(first "$bytes" 101112131415161718191A1B1C1D1E1FE0E1E2E3E4E5E6E7E8E9EAEBECEDEEEF)
dek=$(first "$bytes" 202122232425262728292A2B2C2D2E2FD0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF)
host_challenge=0123456789ABCDEF
card_challenge=FEDCBA9876543210
serial=4A504B49000000000042
context=$host_challenge$card_challenge
s_enc=$(derive "$enc" 04 "$bits")
s_mac=$(derive "$mac" 06 "$bits")
s_rmac=$(derive "$mac" 07 "$bits")
card_cryptogram=$(derive "$s_mac" 00 64)
host_cryptogram=$(derive "$s_mac" 01 64)

say "key.encryption" "$enc"
say "key.mac" "$mac"
say "key.data" "$dek"
say "session.encryption" "$s_enc"
say "session.mac" "$s_mac"
say "session.response mac" "$s_rmac"
say "host challenge" "$host_challenge"
say "initialize update.answer" "${serial}010360$card_challenge$card_cryptogram"
chain=$(cmac "$s_mac" "${chain}8482330010$host_cryptogram")
say "external authenticate.header" 84823300
say "external authenticate.body" "$host_cryptogram$(first 8 "$chain")"

exchange "1 body and answer" 80F28002 4F00 E30D4F07A00000015100009F70010F 9000
exchange "2 neither" 80F0800F "" "" 9000
exchange "3 warning" 00200098 31323334 "" 63C2
exchange "4 error" 00A4020C 2F00 "" 6A82
exchange "5 whole block" 00A4020C 000102030405060708090A0B0C0D0E0F "" 9000
exchange "6 no body, answer" 00B00000 "" "$(printf '%060d' 0)" 9000
exchange "7 long body" 00D60000 "$(printf '%0600d' 7)" "" 9000
exchange "8 long answer" 00B00000 "" "$(printf '%0600d' 8)" 6282
say "put key.body" "01$(new_key "$mac")$(new_key "$dek")$(new_key "$enc")"

# Keys of a card, derived from the issuer's master key and the card's serial number.
master=$(first "$bytes" 303132333435363738393A3B3C3D3E3FC0C1C2C3C4C5C6C7C8C9CACBCCCDCECF)
say "master.key" "$master"
say "master.serial" "$serial"
wanted=$(printf '%04X' "$bits")
for number in 01 02 03; do
    derived=
    for block in 01 02; do derived=$derived$(cmac "$master" "4A504B49${number}00$wanted$block$serial"); done
    say "master.derived $number" "$(first "$bytes" "$derived")"
done
