"""Broken on purpose: a parenthesis that is never closed. The demo's audit of this file ends as a dead job."""


def total(prices):
    return sum(price for price in prices


def average(prices):
    return total(prices) / len(prices)
