#!/usr/bin/perl
# make_mmdb.pl SCHEMA FILE: writes a small MaxMind DB with MaxMind's own writer. SCHEMA is one of
# geoip2-city, geolite2-country, dbip-city, ip-location-db-country, ip-location-db-city, asn.
use strict;
use warnings;
use MaxMind::DB::Writer::Tree;

my ($schema, $file) = @ARGV;
die "usage: make_mmdb.pl SCHEMA FILE\n" unless defined $file;

my %types = (
    country => 'map', registered_country => 'map', iso_code => 'utf8_string',
    subdivisions => ['array', 'map'], location => 'map', latitude => 'double',
    longitude => 'double', country_code => 'utf8_string', city => 'map', names => 'map',
    en => 'utf8_string', autonomous_system_number => 'uint32', geoname_id => 'uint32',
    state1 => 'utf8_string', timezone => 'utf8_string',
);
$types{latitude} = $types{longitude} = 'float' if $schema eq 'ip-location-db-city';

my $tree = MaxMind::DB::Writer::Tree->new(
    ip_version => $schema eq 'geolite2-country' ? 4 : 6,
    record_size => 24,
    database_type => $schema,
    languages => ['en'],
    description => { en => 'test' },
    alias_ipv6_to_ipv4 => $schema eq 'geolite2-country' ? 0 : 1,
    map_key_type_callback => sub { $types{ $_[0] } },
    remove_reserved_networks => 0,
);

sub record {
    my ($country, $part, $latitude, $longitude) = @_;
    if ($schema eq 'geoip2-city') {
        return {
            country => { iso_code => $country, names => { en => 'x' } },
            defined $part ? (subdivisions => [ { iso_code => $part }, { iso_code => 'XX' } ]) : (),
            location => { latitude => $latitude, longitude => $longitude },
        };
    }
    # DB-IP names the subdivision without a code.
    return {
        country => { iso_code => $country },
        subdivisions => [ { names => { en => 'Somewhere' } } ],
        location => { latitude => $latitude, longitude => $longitude },
    } if $schema eq 'dbip-city';
    return { registered_country => { iso_code => $country, geoname_id => 1 } }
        if $schema eq 'geolite2-country' && $country eq 'FR';
    return { country => { iso_code => $country, geoname_id => 1 } } if $schema eq 'geolite2-country';
    return { country_code => $country } if $schema eq 'ip-location-db-country';
    return {
        country_code => $country, state1 => 'Somewhere', latitude => $latitude,
        longitude => $longitude,
    } if $schema eq 'ip-location-db-city';
    return { autonomous_system_number => 64496 } if $schema eq 'asn';
    die "unknown schema $schema\n";
}

my @networks = (
    [ '192.0.2.0/24', 'US', 'CA', 37.5, -122.25 ],
    [ '198.51.100.0/25', 'GB', undef, 51.5, -0.25 ],
    [ '198.51.100.128/25', 'FR', undef, 48.75, 2.25 ],
    [ '203.0.113.0/24', 'TR', undef, 41, 29 ],
);
push @networks, [ '2001:db8:1::/48', 'DE', 'BE', 52.5, 13.5 ], [ '2001:db8:2::/48', 'JP', undef, 35.5, 139.75 ]
    unless $schema eq 'geolite2-country';

$tree->insert_network($_->[0], record(@{$_}[1 .. 4])) for @networks;
open my $out, '>:raw', $file or die "$file: $!\n";
$tree->write_tree($out);
close $out or die "$file: $!\n";
