# Removes a folder with everything mounted below it when whoever holds the other end of standard input is done, or
# gone: interrupted, killed. Told of processes ("+ ID", "- ID"), it ends those that are left.
trap '' HUP INT TERM
folder=$1
left=
while read -r sign process; do
    if [ "$sign" = + ]; then
        left="$left $process"
    else
        kept=
        for other in $left; do
            [ "$other" = "$process" ] || kept="$kept $other"
        done
        left=$kept
    fi
done
for process in $left; do
    kill -KILL "$process"
done
mounted=
while read -r _ place _; do
    case $place in
    "$folder"/*) mounted="$place $mounted" ;;
    esac
done </proc/mounts
for place in $mounted; do
    # What was just killed may still be there.
    umount "$place" 2>/dev/null || { sleep 1 && umount "$place"; } || umount --lazy "$place"
done
rm -rf --one-file-system -- "$folder"
