# bash completion for anamectl and anamed

_anamectl_zones() {
	anamectl -j "$@" zone-status 2>/dev/null | sed -n 's/^ *"zone": "\(.*\)",\{0,1\}$/\1/p'
}

# Checks, and the addresses that are checked.
_anamectl_checked() {
	anamectl -j "$@" states 2>/dev/null |
		sed -n 's/^ *"\(check\|address\)": "\(.*\)",\{0,1\}$/\2/p' | sort -u
}

_anamectl() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local verbs='status stats reload stop answers flush explain states force key-generate ds simulate conf-check zone-check zone-status
		zone-read zone-refresh zone-retransfer zone-notify xdp'
	local options='-c --config -s --socket -j --json -V --version -h --help --clients --assume
		--against --now'
	local -a pass=()
	local i verb= at=0 word

	COMPREPLY=()
	case $prev in
	-c | --config | -s | --socket | --clients | --against)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		-c | --config | -s | --socket)
			pass+=("$word" "${COMP_WORDS[i + 1]}")
			i=$((i + 1))
			;;
		--clients | --against | --assume) i=$((i + 1)) ;;
		-*) ;;
		*)
			if [[ -z $verb ]]; then verb=$word; else at=$((at + 1)); fi
			;;
		esac
	done
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi
	case $verb:$at in
	:*) mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur") ;;
	xdp:0)
		mapfile -t COMPREPLY < <(compgen -W 'status attach detach upgrade unpin' -- "$cur")
		;;
	xdp:1)
		mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$cur")
		;;
	explain:1)
		mapfile -t COMPREPLY < <(compgen -W 'A AAAA ANAME CNAME MX NS SOA TXT' -- "$cur")
		;;
	force:0 | states:0)
		mapfile -t COMPREPLY < <(compgen -W "$(_anamectl_checked "${pass[@]}")" -- "$cur")
		;;
	simulate:1) mapfile -t COMPREPLY < <(compgen -W 'A AAAA' -- "$cur") ;;
	key-generate:1) mapfile -t COMPREPLY < <(compgen -W 'csk ksk zsk' -- "$cur") ;;
	force:1) mapfile -t COMPREPLY < <(compgen -W 'up down auto' -- "$cur") ;;
	conf-check:0 | zone-check:0) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
	zone-check:1 | zone-status:0 | zone-read:0 | zone-refresh:0 | zone-retransfer:0 | zone-notify:0 | answers:0 | flush:0 | explain:0 | simulate:0 | key-generate:0 | ds:0)
		mapfile -t COMPREPLY < <(compgen -W "$(_anamectl_zones "${pass[@]}")" -- "$cur")
		;;
	esac
}

_anamed() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}

	COMPREPLY=()
	case $prev in
	-c | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	esac
	mapfile -t COMPREPLY < <(compgen -W '-c --config --check -v --verbose -V --version -h --help' \
		-- "$cur")
}

complete -F _anamectl anamectl
complete -F _anamed anamed
