#!/usr/bin/perl
# SPDX-License-Identifier: BSD-2-Clause
#
# write_mmdb.pl FILE TYPE [4] - a MaxMind database out of lines of NETWORK<tab>JSON.
#
# A JSON object is the record, with every number as uint32, but for numbers with
# a fraction, which are doubles. A wider network stands before those in it.
use strict;
use warnings;
use JSON::PP;
use MaxMind::DB::Writer::Tree;

my ( $file, $type, $version ) = @ARGV;
my $ipv4_only = ( $version // 6 ) == 4;

sub type_of {
    my ($key) = @_;
    return 'double' if $key =~ /^(?:latitude|longitude|ms-.*)$/;
    return 'uint32' if $key =~ /(?:number|geoname_id|asn)$/;
    return [ 'array', 'map' ] if $key eq 'subdivisions';
    return 'boolean' if $key =~ /^is_/;
    return 'map' if $key =~ /^(?:continent|country|city|names|location|traits|latency)$/;
    return 'utf8_string';
}

my $tree = MaxMind::DB::Writer::Tree->new(
    ip_version               => $ipv4_only ? 4 : 6,
    record_size              => 28,
    database_type            => $type,
    languages                => ['en'],
    description              => { en => 'of a test' },
    map_key_type_callback    => \&type_of,
    remove_reserved_networks => 0,
    alias_ipv6_to_ipv4       => $ipv4_only ? 0 : 1,
);
my $json = JSON::PP->new->utf8;
while ( my $line = <STDIN> ) {
    chomp $line;
    my ( $network, $record ) = split /\t/, $line, 2;
    # IPv4 lives in ::/96.
    $network = "::$1/" . ( 96 + $2 ) if !$ipv4_only && $network =~ m{^([0-9.]+)/(\d+)$};
    $tree->insert_network( $network, $json->decode($record) );
}
open my $out, '>:raw', "$file.new" or die "$file.new: $!\n";
$tree->write_tree($out);
close $out or die "$file.new: $!\n";
rename "$file.new", $file or die "$file: $!\n";
